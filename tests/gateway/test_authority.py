"""An open socket loses its rights at once, on every process, when they end."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from apps.accounts.models import LoginSession
from apps.accounts.services.login import device_sign_in
from apps.accounts.services.profile import user_set_active
from messenger.core.shapes import Input
from messenger.core.socket import OnConnection
from messenger.gateway.commands import COMMANDS
from messenger.gateway.connection import Connection
from messenger.gateway.dispatch import Dispatcher
from tests.conftest import DEVICE
from tests.factories import PASSWORD
from tests.web import Client

pytestmark = pytest.mark.django_db(transaction=True)
WITHIN = 1.2  # a second, and what a busy machine adds


@pytest.fixture
def short_token(settings):
    """`short_token(alice, 3)`: an access token that ends in three seconds."""

    def make(user, seconds: float):
        settings.ACCESS_TOKEN_LIFETIME = seconds
        pair = device_sign_in(user=user, device=DEVICE)
        settings.ACCESS_TOKEN_LIFETIME = 900
        return pair

    return make


def test_changed_password_closes_the_other_sessions_on_every_process(alice, join, api):
    client, other = api(alice), api(alice)
    own = join(alice, token=client.tokens.access)
    others = [join(alice, at=at, token=other.tokens.access) for at in (0, 1)]
    body = {"password": PASSWORD, "new_password": "an entirely new one"}
    assert client.post("/auth/password/change", body).status_code == 204
    assert [one.close_code(timeout=WITHIN) for one in others] == [4401, 4401]
    assert own.frames_until_answer() == []


def test_revoked_session_is_closed_on_every_process(alice, join, api):
    client, other = api(alice), api(alice)
    sockets = [join(alice, at=at, token=other.tokens.access) for at in (0, 1)]
    mine = client.get("/auth/sessions").json()["items"]
    (session_id,) = [one["id"] for one in mine if not one["current"]]
    assert client.delete(f"/auth/sessions/{session_id}").status_code == 204
    assert [one.close_code(timeout=WITHIN) for one in sockets] == [4401, 4401]


@pytest.mark.parametrize("with_layer", [True, False])
def test_deactivated_account_is_closed_with_its_own_code_on_every_process(
    alice, bob, chat, join, lost_publishes, with_layer
):
    sockets = [join(bob, at=at) for at in (0, 1)]
    with contextlib.nullcontext() if with_layer else lost_publishes():
        user_set_active(actor_id=alice.id, user_id=bob.id, is_active=False)
    assert [one.close_code(timeout=2 * WITHIN) for one in sockets] == [4403, 4403]


def test_session_deleted_without_a_service_is_closed_by_the_sweep(alice, join):
    socket = join(alice)
    LoginSession.objects.filter(user=alice).delete()
    assert socket.close_code(timeout=8) == 4401


def test_expiring_token_is_announced_and_then_closes(alice, join, short_token):
    socket = join(alice, token=short_token(alice, 4).access, wait=False)
    started = time.monotonic()
    socket.wait("token_expiring", timeout=2)
    assert socket.close_code(timeout=6) == 4401
    assert 2 < time.monotonic() - started < 5.5


def test_expiry_of_a_token_is_announced_half_a_minute_before(alice, join, short_token):
    socket = join(alice, token=short_token(alice, 33).access)
    assert socket.frames_until_answer() == []
    assert socket.frames_until("token_expiring", timeout=5) == []


def test_fresh_token_outlives_the_old_one(alice, bob, chat, join, api, short_token):
    pair = short_token(alice, 3)
    socket = join(alice, token=pair.access, wait=False)
    socket.wait("token_expiring", timeout=2)
    fresh = api().post("/auth/refresh", {"refresh": pair.refresh}).json()["access"]
    socket.send("authenticate", token=fresh)
    socket.quiet(4)  # the old token has to expire, which no frame announces
    assert socket.say(chat.id, "still me")["seq"] == 1


@pytest.mark.parametrize("is_expired", [False, True])
async def test_command_is_not_executed_after_the_token_has_expired(monkeypatch, is_expired):
    """Without a hub: its tick would close the socket as well, and hide what the command does."""
    executed: list[str] = []
    events: list[dict[str, Any]] = []

    async def send(event: dict[str, Any]) -> None:
        events.append(event)

    async def execute(connection: Connection, data: Input) -> None:
        executed.append("probe")

    probe = replace(COMMANDS["pong"], shape=Input, mode=OnConnection(execute))
    monkeypatch.setitem(COMMANDS, "probe", probe)
    expires_at = timezone.now() + timedelta(seconds=-0.01 if is_expired else 60)
    ids = {"user_id": uuid4(), "session_id": uuid4()}
    there = Connection(send, **ids, expires_at=expires_at, now=0.0)
    await Dispatcher(there).receive('{"type": "probe"}')
    assert executed == ([] if is_expired else ["probe"])
    closed = [{"type": "websocket.close", "code": 4401}]
    assert events == (closed if is_expired else [])


@pytest.mark.redis
def test_bad_frames_are_counted_over_all_connections_and_reconnects(alice, bob, join, processes):
    token = device_sign_in(user=alice, device=DEVICE).access
    one, other, bystander = join(alice, token=token), join(alice, at=1, token=token), join(bob)
    for socket in (one, other):
        for _ in range(11):
            socket.raw("{")
    codes = []
    for socket in (one, other):
        try:
            codes.append(socket.close_code(timeout=1))
        except TimeoutError:
            codes.append(0)
    assert 4429 in codes
    again = Client(processes[0].port, token)
    again.ready()
    again.raw("{")
    again.raw("{")
    assert again.close_code() == 4429
    bystander.raw("{")
    assert [frame["code"] for frame in bystander.frames_until_answer()] == ["invalid_input"]
