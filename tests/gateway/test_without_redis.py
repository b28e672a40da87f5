"""Redis down, hanging and back: sockets stay open, sending works, rights hold, nothing is lost."""

from __future__ import annotations

import json
import signal
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.accounts.services.login import device_sign_in
from apps.chats.services.groups import group_create
from messenger.local.redis import Redis
from tests.conftest import DEVICE
from tests.web import Client, WebProcess

pytestmark = pytest.mark.django_db(transaction=True)


class Broken:
    """A Redis of this test's own, and two web processes that use it."""

    def __init__(self, folder: Path) -> None:
        self.redis = Redis(folder)
        self.server = self.redis.start()
        self.web = [WebProcess(REDIS_URL=self.redis.url, LIMITS_SCALE="100") for _ in range(2)]
        self.hangs = False

    def take_away(self, *, hangs: bool) -> None:
        self.hangs = hangs
        self.server.send_signal(signal.SIGSTOP if hangs else signal.SIGKILL)
        if not hangs:
            self.server.wait()

    def give_back(self) -> None:
        """Empty, where it was dead."""
        if self.hangs:
            self.server.send_signal(signal.SIGCONT)
        else:
            self.server = self.redis.start()

    def end(self) -> None:
        for web in self.web:
            web.stop()
        if self.server.poll() is None:
            self.server.kill()
            self.server.wait()


@pytest.fixture(scope="module")
def broken(tmp_path_factory, django_db_setup, django_db_blocker) -> Iterator[Broken]:
    with django_db_blocker.unblock():
        made = Broken(tmp_path_factory.mktemp("redis"))
    yield made
    made.end()


def call(url: str, token: str, method: str, body: dict[str, Any] | None = None) -> int:
    """One request; returns its status."""
    request = urllib.request.Request(
        url,
        method=method,
        data=json.dumps(body or {}).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        status: int = answer.status
        return status


@pytest.mark.parametrize("hangs", [False, True], ids=["dead", "hanging"])
def test_conversation_continues_without_redis_and_is_live_again_afterwards(
    hangs, alice, bob, charlie, chat, broken
):
    group = group_create(actor_id=alice.id, title="Walkers", member_ids=[bob.id, charlie.id])
    sessions = {one: device_sign_in(user=one, device=DEVICE) for one in (alice, bob, charlie)}
    at = {alice: 0, bob: 1, charlie: 1}
    here, there, third = (
        Client(broken.web[at[one]].port, sessions[one].access) for one in (alice, bob, charlie)
    )
    for one in (here, there, third):
        one.ready()
    assert here.say(chat.id, "with Redis")["seq"] == 1
    assert there.wait("message", timeout=1)["text"] == "with Redis"

    broken.take_away(hangs=hangs)
    took = []
    for number in range(40):
        started = time.monotonic()
        assert here.say(chat.id, f"without {number}")["type"] == "ack"
        took.append(time.monotonic() - started)
        time.sleep(0.05)
    assert sorted(took)[38] <= 1  # p95
    for number in range(40):
        assert there.wait("message", timeout=6)["text"] == f"without {number}"
    started = time.monotonic()
    body = {"chat_id": str(chat.id), "text": "through REST"}
    assert call(f"{broken.web[0].url}/api/v1/messages", sessions[alice].access, "POST", body) == 201
    assert time.monotonic() - started <= 1
    assert there.wait("message", timeout=3)["text"] == "through REST"

    # Rights hold: the other process detects the removal without a frame and delivers no more.
    url = f"{broken.web[0].url}/api/v1/chats/{group.id}/participants/{charlie.id}"
    assert call(url, sessions[alice].access, "DELETE") == 204
    here.say(group.id, "among us")
    assert there.wait("message", timeout=4)["text"] == "among us"
    assert "message" not in {frame["type"] for frame in third.frames_until_answer()}
    started = time.monotonic()
    assert call(f"{broken.web[0].url}/api/v1/auth/logout", sessions[charlie].access, "POST") == 204
    assert third.close_code(timeout=3) == 4401
    assert time.monotonic() - started < 2.5

    broken.give_back()
    deadline = time.monotonic() + 5
    while True:  # at once again, not by and by
        assert time.monotonic() < deadline
        here.say(chat.id, "live?")
        try:
            there.wait("message", timeout=0.2)
            break
        except TimeoutError:
            continue
    for one in (here, there):
        one.close()
