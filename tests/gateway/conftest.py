"""Two web processes, people with tokens, and their chats."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest

from apps.accounts.models import User
from apps.accounts.services.login import device_sign_in
from apps.chats.services.direct import chat_open_direct
from messenger.core import live
from tests.conftest import DEVICE
from tests.web import Client, WebProcess


@pytest.fixture(scope="session")
def processes(django_db_setup, django_db_blocker) -> Iterator[list[WebProcess]]:
    """Two web processes with the suite's database and Redis."""
    with django_db_blocker.unblock():
        running = [WebProcess(), WebProcess()]
    yield running
    for process in running:
        process.stop()


@pytest.fixture
def join(processes, transactional_db) -> Iterator[Callable[..., Client]]:
    """`join(alice)` is her socket at the first process, past the handshake; `at=1` the second."""
    open_sockets: list[Client] = []

    def make(user: User, at: int = 0, *, wait: bool = True, token: str = "") -> Client:
        token = token or device_sign_in(user=user, device=DEVICE).access
        client = Client(processes[at].port, token)
        open_sockets.append(client)
        if wait:
            client.ready()
        return client

    yield make
    for client in open_sockets:
        client.close()


@pytest.fixture
def lost_publishes(monkeypatch) -> Callable[[], contextlib.AbstractContextManager[None]]:
    """`with lost_publishes():` the frames that this process publishes are lost."""

    @contextlib.contextmanager
    def lose() -> Iterator[None]:
        with monkeypatch.context() as patch:
            patch.setattr(live.publisher, "put", lambda frames, **kwargs: None)
            yield

    return lose


@pytest.fixture
def alice(transactional_db, alice) -> User:
    return alice


@pytest.fixture
def chat(alice, bob):
    """The direct chat of alice and bob."""
    return chat_open_direct(actor_id=alice.id, user_id=bob.id)[0]
