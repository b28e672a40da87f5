"""What the channel layer loses, the hub reads from PostgreSQL; time and silence end sockets."""

from __future__ import annotations

import time

import pytest

from apps.messages.services.change import message_edit
from apps.messages.services.send import SendRequest, message_send, messages_send
from messenger.core import live
from messenger.core.ids import new_id

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def unpublished(monkeypatch):
    """What this process stores is published to nobody."""
    monkeypatch.setattr(live._publisher, "put", lambda frames: None)


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
        silent.setattr(live._publisher, "put", lambda frames: None)
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
