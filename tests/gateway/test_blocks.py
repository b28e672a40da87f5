"""A block applies at once to open sockets, on every process, with or without the layer."""

from __future__ import annotations

from uuid import uuid4

import pytest

from apps.accounts.services.blocks import user_block, user_unblock
from apps.messages.services.send import message_send
from tests.web import Client, WebProcess

pytestmark = pytest.mark.django_db(transaction=True)


def test_open_socket_of_a_blocked_person_cannot_write(alice, bob, chat, join):
    here, there = join(alice), join(bob, at=1)
    first = there.say(chat.id, "hello")
    here.wait("message", text="hello")
    user_block(actor_id=alice.id, user_id=bob.id)
    assert there.say(chat.id, "again")["code"] == "not_accepting_messages"
    edit = there.ask("edit_message", message_id=first["message_id"], text="listen")
    assert edit["code"] == "not_accepting_messages"
    assert here.say(chat.id, "no")["code"] == "person_blocked"
    user_unblock(actor_id=alice.id, user_id=bob.id)
    assert there.say(chat.id, "thank you")["seq"] == 2
    assert here.wait("message")["text"] == "thank you"
    here.say(chat.id, "marker")
    assert there.frames_until("message", text="marker") == []


@pytest.mark.redis
def test_block_is_sent_to_the_blockers_devices_only(alice, bob, chat, join):
    here, there = join(alice), join(bob, at=1)
    user_block(actor_id=alice.id, user_id=bob.id)
    assert here.wait("chat_updated", timeout=2)["chat_id"] == str(chat.id)
    user_unblock(actor_id=alice.id, user_id=bob.id)
    here.wait("chat_updated", timeout=2)
    message_send(sender_id=alice.id, chat_id=chat.id, text="marker")
    for socket in (here, there):
        assert socket.frames_until("message", text="marker") == []


def test_block_applies_without_the_channel_layer(alice, bob, chat, join, lost_publishes):
    there = join(bob)
    with lost_publishes():
        user_block(actor_id=alice.id, user_id=bob.id)
    assert there.say(chat.id, "again")["code"] == "not_accepting_messages"


def test_process_without_redis_refuses_a_blocked_person(alice, bob, chat, api):
    process = WebProcess(REDIS_URL="redis://127.0.0.1:1/0")
    try:
        there = Client(process.port, api(bob).tokens.access)
        there.ready()
        assert there.say(chat.id, "hello")["seq"] == 1
        user_block(actor_id=alice.id, user_id=bob.id)
        assert there.say(chat.id, "again")["code"] == "not_accepting_messages"
        there.send("typing", chat_id=chat.id)
        assert there.frames_until_answer() == []
    finally:
        process.stop()


def test_reconnect_and_sync_show_no_receipts_of_the_blocker(alice, bob, chat, join):
    here, there = join(alice), join(bob, at=1)
    there.say(chat.id, "one")
    here.wait("message")
    user_block(actor_id=alice.id, user_id=bob.id)
    here.send("read", items=[{"chat_id": chat.id, "seq": 1}])
    here.send("delivered", items=[{"chat_id": chat.id, "seq": 1}])
    unknown = [{"chat_id": uuid4(), "seq": 1}]
    here.frames_until_answer("read", items=unknown)  # then the cursors have been processed
    again = join(bob, at=1)
    again.send("sync", chats={str(chat.id): {"seq": 0, "rev": 0}})
    message = again.wait("message")
    assert (message["delivered_at"], message["read_at"]) == (None, None)
    again.wait("sync_done")
    user_unblock(actor_id=alice.id, user_id=bob.id)
    here.say(chat.id, "marker")
    for socket in (there, again):
        assert socket.frames_until("message", text="marker") == []


@pytest.mark.redis
def test_blocked_person_sees_no_presence_until_unblocked(alice, bob, chat, join):
    there = join(bob, at=1)
    there.quiet(0.7)  # until the first status is published; no frame shows that
    join(alice)
    assert there.wait("presence", user_id=alice.id)["status"] == "online"
    user_block(actor_id=alice.id, user_id=bob.id)
    frame = there.wait("presence", timeout=2, user_id=alice.id)
    assert (frame["status"], frame["last_seen_at"]) == ("offline", None)
    again = join(bob)
    again.quiet(0.7)  # more than a tick of presence, with which no frame is ordered
    assert again.presences == []
    user_unblock(actor_id=alice.id, user_id=bob.id)
    for socket in (there, again):
        assert socket.wait("presence", timeout=2, user_id=alice.id)["status"] == "online"
