"""Healing of what the channel layer loses, and readers that do not answer."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any
from unittest.mock import AsyncMock, Mock
from uuid import UUID, uuid4

import pytest

from apps.accounts.services.login import device_sign_in
from apps.chats.services.groups import group_create
from apps.chats.services.participants import participant_remove, participants_add
from apps.messages import selectors
from apps.messages.services.change import message_edit
from apps.messages.services.send import SendRequest, message_send, messages_send
from messenger.core import live
from messenger.core.ids import new_id
from messenger.gateway import healing, subscriptions
from messenger.gateway.connection import Connection
from messenger.gateway.consumer import Consumer
from messenger.gateway.local_groups import LocalGroups
from tests.conftest import DEVICE
from tests.web import Client, WebProcess, free_port

pytestmark = pytest.mark.django_db(transaction=True)


def test_lost_publish_is_healed_within_seconds(alice, bob, chat, join, lost_publishes):
    there = join(bob)
    with lost_publishes():
        for text in ("one", "two"):
            first = message_send(sender_id=alice.id, chat_id=chat.id, text=text).message
        message_edit(actor_id=alice.id, message_id=first["id"], text="zwei")
        message_edit(actor_id=alice.id, message_id=first["id"], text="deux")
    assert there.wait("message", timeout=7)["seq"] == 1
    assert there.wait("message")["seq"] == 2
    assert there.wait("message_edited")["text"] == "deux"
    message_send(sender_id=alice.id, chat_id=chat.id, text="marker")
    assert there.frames_until("message", text="marker") == []


def test_gap_is_healed_before_the_next_message_is_delivered(alice, bob, chat, join, lost_publishes):
    here, there = join(alice), join(bob, at=1)
    with lost_publishes():
        for text in ("lost one", "lost two"):
            message_send(sender_id=alice.id, chat_id=chat.id, text=text)
    started = time.monotonic()
    assert here.say(chat.id, "next")["seq"] == 3
    assert [there.wait("message")["seq"] for _ in range(3)] == [1, 2, 3]
    assert time.monotonic() - started < 2


def test_many_lost_messages_become_a_resync(alice, bob, chat, join, lost_publishes):
    there = join(bob)
    with lost_publishes():
        messages_send([SendRequest(alice.id, chat.id, new_id(), str(n)) for n in range(501)])
    assert there.wait("resync", timeout=10)["chats"] == [str(chat.id)]


def test_unpublished_removal_ends_delivery_to_the_socket(alice, bob, chat, join, lost_publishes):
    group = group_create(actor_id=alice.id, title="Walkers", member_ids=[bob.id])
    here, there = join(alice), join(bob, at=1)
    with lost_publishes():
        participant_remove(actor_id=alice.id, chat_id=group.id, user_id=bob.id)
    assert there.wait("resync", timeout=12)["chats"] is None
    here.say(group.id, "among us")
    here.say(chat.id, "marker")
    assert there.frames_until("message", text="marker") == []


def test_unpublished_addition_starts_delivery_within_seconds(
    alice, bob, chat, join, lost_publishes
):
    group = group_create(actor_id=alice.id, title="Walkers")
    here, there = join(alice), join(bob, at=1)
    with lost_publishes():
        participants_add(actor_id=alice.id, chat_id=group.id, user_ids=[bob.id])
    assert there.wait("resync", timeout=12)["chats"] is None
    here.say(group.id, "welcome")
    assert there.wait("message")["text"] == "welcome"


async def test_cancelled_join_leaves_no_other_socket_waiting():
    loop, chat_id = asyncio.get_running_loop(), uuid4()
    reading, release = asyncio.Event(), threading.Event()

    def positions(chat_ids: list[UUID]) -> dict[UUID, tuple[int, int]]:
        if not reading.is_set():
            loop.call_soon_threadsafe(reading.set)
            release.wait(10)
        return dict.fromkeys(chat_ids, (3, 0))

    local = LocalGroups(AsyncMock(), positions)
    first, second = (
        Connection(AsyncMock(), user_id=uuid4(), session_id=uuid4(), expires_at=None, now=0.0)
        for _ in range(2)
    )
    cancelled = asyncio.create_task(local.join_chats(first, {chat_id: 0}))
    await reading.wait()
    cancelled.cancel()
    async with asyncio.timeout(5):
        await local.join_chats(second, {chat_id: 0})
    release.set()
    group = local.groups[f"chat.{chat_id}"]
    assert (group.ready, group.seq) == (True, 3)


def test_process_started_without_redis_serves_sockets(alice, bob, chat):
    process = WebProcess(REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    try:
        there = Client(process.port, device_sign_in(user=bob, device=DEVICE).access)
        there.ready()
        message_send(sender_id=alice.id, chat_id=chat.id, text="out of the database")
        assert there.wait("message", timeout=12)["text"] == "out of the database"
        there.close()
    finally:
        process.stop()


class Layer:
    """A channel layer that refuses at first; then every pulse comes back."""

    def __init__(self, origin: str) -> None:
        self.origin, self.answers = origin, False
        self.groups: list[str] = []

    async def new_channel(self, prefix: str) -> str:
        if not self.answers:
            raise ConnectionError
        return "hub.1"

    async def group_add(self, name: str, channel: str) -> None:
        if not self.answers:
            raise ConnectionError
        self.groups.append(name)

    async def receive(self, channel: str) -> dict[str, Any]:
        await asyncio.sleep(0.01)
        return {"group": self.groups[0], "origin": self.origin, "control": {"op": "pulse"}}


async def test_subscription_refused_by_redis_is_made_once_redis_answers():
    publisher, returned = live.Publisher(), asyncio.Event()
    layer = Layer(publisher.origin)
    mine = subscriptions.Subscriptions(layer, publisher, Mock(), returned.set, pulse=0.01)
    await mine.open()
    await mine.add("chat.1")
    assert (mine.alive, layer.groups) == (False, [])
    layer.answers = True
    async with asyncio.timeout(5):
        await returned.wait()
    mine.close()
    assert mine.alive
    assert "chat.1" in layer.groups


async def test_consumer_cancelled_by_the_server_frees_its_slot():
    hub = AsyncMock()
    consumer = Consumer(hub, {}, asyncio.Event().wait, AsyncMock())
    consumer.connection, consumer.dispatcher = Mock(), Mock()
    running = asyncio.create_task(consumer.run())
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    hub.detach.assert_awaited_once_with(consumer.connection)


def test_reader_that_answers_no_ping_gets_a_window_and_then_resync(alice, bob, chat, join):
    there, reading = join(bob), join(bob)
    there.send = lambda *args, **kwargs: None  # no pongs from now on
    for batch in range(5):
        messages_send([SendRequest(alice.id, chat.id, new_id(), "x") for _ in range(60)])
        reading.wait("message", seq=60 * (batch + 1))
    assert 200 < len(there.quiet(0.3)) <= 256
    del there.send
    there.send("pong", n=1)
    assert there.wait("resync")["chats"] is None
    message_send(sender_id=alice.id, chat_id=chat.id, text="after")
    assert there.wait("message", text="after")


@pytest.mark.chaos
def test_idle_socket_stays_open_and_one_without_pongs_is_closed(alice, bob, chat, join):
    idle, silent = join(bob), join(alice)
    silent.send = lambda *args, **kwargs: None
    assert idle.quiet(90) == []
    assert silent.close_code() == 4408
    message_send(sender_id=alice.id, chat_id=chat.id, text="awake?")
    assert idle.wait("message")["text"] == "awake?"


def test_person_removed_while_a_gap_is_read_gets_no_later_message(alice, bob, monkeypatch):
    group = group_create(actor_id=alice.id, title="Plans", member_ids=[bob.id])
    read = selectors.messages_since

    def remove_first(*args):
        participant_remove(actor_id=alice.id, chat_id=group.id, user_id=bob.id)
        message_send(sender_id=alice.id, chat_id=group.id, text="now that bob is gone")
        return read(*args)

    monkeypatch.setattr(selectors, "messages_since", remove_first)
    (frame,) = healing.missing(group.id, 0, 0, {alice.id, bob.id}).messages
    assert frame["hidden_from"] == [str(bob.id)]
