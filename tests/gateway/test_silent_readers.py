"""A client that never reads costs the server little memory and is closed."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.accounts.services.login import device_sign_in
from apps.messages.services.send import SendRequest, messages_send
from messenger.core.ids import new_id
from messenger.gateway.connection import WINDOW_FRAMES
from tests.conftest import DEVICE
from tests.web import Client, WebProcess

pytestmark = pytest.mark.django_db(transaction=True)

SOCKETS = 15
MIB = 1024 * 1024


@pytest.fixture
def web(django_db_setup, transactional_db) -> Iterator[WebProcess]:
    """A process of its own, whose memory is measured, with a short heartbeat timeout."""
    process = WebProcess(SOCKET_HEARTBEAT_TIMEOUT="8", LIMITS_SCALE="1000")
    yield process
    process.stop()


def resident(web: WebProcess) -> int:
    """Bytes of memory that the process holds."""
    assert web.process is not None
    pages = int(Path(f"/proc/{web.process.pid}/statm").read_text().split()[1])
    return pages * 4096


@pytest.mark.parametrize("talks", [False, True], ids=["silent", "talking"])
def test_client_that_never_reads_costs_below_two_mebibytes_and_is_closed(
    talks, alice, bob, chat, web
):
    """Several at once, each with a replay first and a stream of large messages afterwards."""
    text = "я" * 5000
    messages_send([SendRequest(bob.id, chat.id, new_id(), text) for _ in range(400)])
    warm = Client(web.port, device_sign_in(user=bob, device=DEVICE).access)
    warm.ready()
    before = resident(web)
    silent = [
        Client(
            web.port,
            device_sign_in(user=alice, device=DEVICE).access,
            max_queue=1,
            sock=narrow(web.port),
        )
        for _ in range(SOCKETS)
    ]
    stop = threading.Event()

    def talk() -> None:
        frame = json.dumps({"type": "pong", "n": 0})  # of an unknown ping: ignored
        while not stop.is_set():
            for one in silent:
                one.socket.send(frame)
            time.sleep(0.05)

    talking = threading.Thread(target=talk, daemon=True)
    if talks:
        talking.start()
    highest = 0
    for _ in range(10):
        messages_send([SendRequest(bob.id, chat.id, new_id(), text) for _ in range(60)])
        time.sleep(0.2)
        highest = max(highest, resident(web))
    stop.set()
    if talks:
        talking.join(10)
    assert (highest - before) / SOCKETS < 2 * MIB
    # Each reads the frames in flight and then the close code, unless it stops before.
    for one in silent:
        one.send = lambda *args, **kwargs: None  # no pong
    assert {one.close_code(timeout=20) for one in silent} <= {4408, 1006}
    warm.close()


def narrow(port: int) -> socket.socket:
    """A connection with a small receive buffer, so that unread data stays at the server."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
    made.connect(("127.0.0.1", port))
    return made


@pytest.mark.redis
def test_at_most_the_window_is_in_flight(alice, bob, chat, web):
    token = device_sign_in(user=bob, device=DEVICE).access
    there, reading = Client(web.port, token), Client(web.port, token)
    there.ready()
    reading.ready()
    there.send = lambda *args, **kwargs: None  # no pong from now on
    for batch in range(10):
        messages_send([SendRequest(alice.id, chat.id, new_id(), "x") for _ in range(60)])
        reading.wait("message", seq=60 * (batch + 1))
    assert 200 < len(there.quiet(0.3)) <= WINDOW_FRAMES
