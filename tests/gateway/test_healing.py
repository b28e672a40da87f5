"""What the channel layer loses, the hub reads from PostgreSQL; time and silence end sockets."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from unittest.mock import AsyncMock, Mock
from uuid import uuid4

import pytest

from apps.accounts.services.login import device_sign_in
from apps.chats.selectors import memberships_of
from apps.chats.services.groups import group_create
from apps.chats.services.participants import participant_remove, participants_add
from apps.messages import selectors
from apps.messages.services.change import message_edit
from apps.messages.services.send import SendRequest, message_send, messages_send
from messenger.core import live
from messenger.core.ids import new_id
from messenger.gateway import consumer as consumer_module
from messenger.gateway import healing, subscriptions
from messenger.gateway import hub as hub_module
from messenger.gateway.connection import Connection
from messenger.gateway.consumer import GatewayConsumer
from messenger.gateway.hub import Hub
from tests.conftest import DEVICE
from tests.web import Client, WebProcess, free_port

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def unpublished(monkeypatch):
    """What this process stores is published to nobody."""
    monkeypatch.setattr(live.publisher, "put", lambda frames, **kwargs: None)


def test_a_lost_publish_is_healed_within_seconds(alice, bob, chat, join, unpublished):
    there = join(bob)
    for text in ("one", "two"):
        first = message_send(sender_id=alice.id, chat_id=chat.id, text=text).message
    message_edit(actor_id=alice.id, message_id=first["id"], text="zwei")
    message_edit(actor_id=alice.id, message_id=first["id"], text="deux")
    assert there.wait("message", timeout=7)["seq"] == 1
    assert there.wait("message")["seq"] == 2
    assert there.wait("message_edited")["text"] == "deux"
    assert there.quiet() == []


def test_a_gap_is_closed_before_the_next_message_is_passed_on(alice, bob, chat, join, monkeypatch):
    here, there = join(alice), join(bob, at=1)
    with monkeypatch.context() as silent:
        silent.setattr(live.publisher, "put", lambda frames, **kwargs: None)
        for text in ("lost one", "lost two"):
            message_send(sender_id=alice.id, chat_id=chat.id, text=text)
    started = time.monotonic()
    assert here.say(chat.id, "next")["seq"] == 3
    assert [there.wait("message")["seq"] for _ in range(3)] == [1, 2, 3]
    assert time.monotonic() - started < 2


def test_many_lost_messages_send_clients_to_rest(alice, bob, chat, join, unpublished):
    there = join(bob)
    messages_send([SendRequest(alice.id, chat.id, new_id(), str(n)) for n in range(501)])
    assert there.wait("resync", timeout=10)["chats"] == [str(chat.id)]


def test_a_removal_that_nobody_was_told_of_ends_what_the_socket_hears(
    alice, bob, join, monkeypatch
):
    group = group_create(actor_id=alice.id, title="Walkers", member_ids=[bob.id])
    here, there = join(alice), join(bob, at=1)
    with monkeypatch.context() as silent:
        silent.setattr(live.publisher, "put", lambda frames, **kwargs: None)
        participant_remove(actor_id=alice.id, chat_id=group.id, user_id=bob.id)
    assert there.wait("resync", timeout=12)["chats"] is None
    here.say(group.id, "among us")
    assert there.quiet() == []


def test_an_addition_that_nobody_was_told_of_is_heard_within_seconds(alice, bob, join, monkeypatch):
    group = group_create(actor_id=alice.id, title="Walkers")
    here, there = join(alice), join(bob, at=1)
    with monkeypatch.context() as silent:
        silent.setattr(live.publisher, "put", lambda frames, **kwargs: None)
        participants_add(actor_id=alice.id, chat_id=group.id, user_ids=[bob.id])
    assert there.wait("resync", timeout=12)["chats"] is None
    here.say(group.id, "welcome")
    assert there.wait("message")["text"] == "welcome"


async def test_a_socket_that_gives_up_joining_leaves_nobody_waiting(monkeypatch):
    async def in_thread(call: Any, *args: Any) -> Any:
        if call is memberships_of:
            return {first.user_id: {chat_id: 0}, second.user_id: {chat_id: 0}}
        await asyncio.sleep(0 if hub.answers else 60)
        return {chat_id: (3, 0)}

    class QuietHub(Hub):
        answers = False

    chat_id, hub = uuid4(), QuietHub({"interval": 25, "timeout": 60}, 20)
    monkeypatch.setattr(hub_module, "in_thread", in_thread)
    first, second = (
        Connection(AsyncMock(), user_id=uuid4(), session_id=uuid4(), expires_at=None, now=0.0)
        for _ in range(2)
    )
    giving_up = asyncio.create_task(hub.attach(first))
    await asyncio.sleep(0.5)
    hub.answers = True
    giving_up.cancel()
    async with asyncio.timeout(5):
        await hub.attach(second)
    group = hub.groups[f"chat.{chat_id}"]
    assert (group.ready, group.seq) == (True, 3)
    await hub.shutdown()


def test_a_process_that_starts_without_redis_serves_sockets(alice, bob, chat):
    process = WebProcess(REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    try:
        there = Client(process.port, device_sign_in(user=bob, device=DEVICE).access)
        there.ready()
        message_send(sender_id=alice.id, chat_id=chat.id, text="out of the database")
        assert there.wait("message", timeout=12)["text"] == "out of the database"
        there.close()
    finally:
        process.stop()


async def test_what_could_not_be_subscribed_is_subscribed_once_redis_answers(monkeypatch):
    class Layer:
        answers, groups = False, set()

        async def new_channel(self, prefix: str) -> str:
            return await self.group_add("", prefix) or "hub.1"

        async def group_add(self, name: str, channel: str) -> None:
            if not self.answers:
                raise ConnectionError
            self.groups.add(name)

        async def receive(self, channel: str) -> dict[str, Any]:
            await asyncio.sleep(0.01)  # every pulse comes back
            return {
                "group": mine._pulses[0],
                "origin": live.publisher.origin,
                "control": {"op": "pulse"},
            }

    layer, returned = Layer(), Mock()
    monkeypatch.setattr(subscriptions, "get_channel_layer", lambda: layer)
    monkeypatch.setattr(subscriptions, "PULSE", 0.01)
    mine = subscriptions.Subscriptions(Mock(), returned)
    await mine.open()
    await mine.add("chat.1")
    assert (mine.alive, layer.groups) == (False, set())
    layer.answers = True
    await asyncio.sleep(0.3)
    mine.close()
    assert mine.alive
    assert "chat.1" in layer.groups
    returned.assert_called_once_with()


async def test_a_consumer_that_the_server_cancels_gives_its_place_back(monkeypatch):
    hub = AsyncMock()
    monkeypatch.setattr(consumer_module, "current_hub", lambda: hub)
    consumer = GatewayConsumer()
    consumer.connection, consumer.dispatcher = Mock(), Mock()
    running = asyncio.create_task(consumer({}, asyncio.Event().wait, AsyncMock()))
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    hub.detach.assert_awaited_once_with(consumer.connection)


def test_a_reader_that_does_not_answer_is_not_sent_to_without_end(alice, bob, chat, join):
    there = join(bob)
    there.send = lambda *args, **kwargs: None  # no pongs from now on
    for number in range(300):
        message_send(sender_id=alice.id, chat_id=chat.id, text=str(number))
    frames = there.quiet(3)
    assert 200 < len(frames) <= 256
    del there.send
    there.send("pong", n=1)
    assert there.wait("resync")["chats"] is None
    message_send(sender_id=alice.id, chat_id=chat.id, text="after")
    assert there.wait("message", text="after")


@pytest.mark.chaos
def test_an_idle_socket_stays_open_and_a_silent_one_is_closed(alice, bob, chat, join):
    idle, silent = join(bob), join(alice)
    silent.send = lambda *args, **kwargs: None
    assert idle.quiet(90) == []
    assert silent.close_code() == 4408
    message_send(sender_id=alice.id, chat_id=chat.id, text="awake?")
    assert idle.wait("message")["text"] == "awake?"


def test_one_who_is_removed_while_a_gap_is_read_gets_nothing_of_what_follows(
    alice, bob, monkeypatch
):
    group = group_create(actor_id=alice.id, title="Plans", member_ids=[bob.id])
    read = selectors.messages_since

    def remove_first(*args):
        participant_remove(actor_id=alice.id, chat_id=group.id, user_id=bob.id)
        message_send(sender_id=alice.id, chat_id=group.id, text="now that bob is gone")
        return read(*args)

    monkeypatch.setattr(selectors, "messages_since", remove_first)
    (frame,) = healing.missing(group.id, 0, 0, {alice.id, bob.id}).said
    assert frame["hidden_from"] == [str(bob.id)]
