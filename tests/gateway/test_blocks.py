"""A block counts at once on open sockets, on every process, with the layer or without."""

from __future__ import annotations

import pytest

from apps.accounts.services.blocks import user_block, user_unblock
from tests.web import Client, WebProcess

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_blocked_person_s_open_socket_can_write_no_more(alice, bob, chat, join):
    here, there = join(alice), join(bob, at=1)
    first = there.say(chat.id, "hello")
    here.wait("message", text="hello")
    user_block(actor_id=alice.id, user_id=bob.id)
    assert there.say(chat.id, "again")["code"] == "not_accepting_messages"
    edit = there.ask("edit_message", message_id=first["message_id"], text="listen")
    assert edit["code"] == "not_accepting_messages"
    assert here.say(chat.id, "no")["code"] == "person_blocked"
    assert there.quiet() == []
    user_unblock(actor_id=alice.id, user_id=bob.id)
    assert there.say(chat.id, "thank you")["seq"] == 2
    assert here.wait("message")["text"] == "thank you"


@pytest.mark.redis
def test_one_s_own_devices_hear_of_a_block_and_the_blocked_does_not(alice, bob, chat, join):
    here, there = join(alice), join(bob, at=1)
    user_block(actor_id=alice.id, user_id=bob.id)
    assert here.wait("chat_updated", timeout=2)["chat_id"] == str(chat.id)
    assert here.quiet() == there.quiet() == []


def test_nothing_of_it_needs_the_layer(alice, bob, chat, join, lost_publishes):
    there = join(bob)
    with lost_publishes():
        user_block(actor_id=alice.id, user_id=bob.id)
    assert there.say(chat.id, "again")["code"] == "not_accepting_messages"


def test_a_web_process_without_redis_refuses_as_well(alice, bob, chat, api):
    process = WebProcess(REDIS_URL="redis://127.0.0.1:1/0")
    try:
        there = Client(process.port, api(bob).tokens.access)
        there.ready()
        assert there.say(chat.id, "hello")["seq"] == 1
        user_block(actor_id=alice.id, user_id=bob.id)
        assert there.say(chat.id, "again")["code"] == "not_accepting_messages"
        there.send("typing", chat_id=chat.id)
        assert there.quiet(0.3) == []
    finally:
        process.stop()


def test_reconnecting_and_syncing_bring_no_news_of_the_one_who_blocks(alice, bob, chat, join):
    here, there = join(alice), join(bob, at=1)
    there.say(chat.id, "one")
    here.wait("message")
    user_block(actor_id=alice.id, user_id=bob.id)
    here.send("read", items=[{"chat_id": chat.id, "seq": 1}])
    here.send("delivered", items=[{"chat_id": chat.id, "seq": 1}])
    here.quiet(0.5)
    again = join(bob, at=1)
    again.send("sync", chats={str(chat.id): {"seq": 0, "rev": 0}})
    message = again.wait("message")
    assert (message["delivered_at"], message["read_at"]) == (None, None)
    for socket in (there, again):
        assert [frame for frame in socket.quiet(0.3) if frame["type"] != "sync_done"] == []


@pytest.mark.redis
def test_presence_ends_for_the_blocked_and_returns_with_the_unblocking(alice, bob, chat, join):
    there = join(bob, at=1)
    there.quiet(0.7)
    join(alice)
    assert there.wait("presence", user_id=alice.id)["status"] == "online"
    user_block(actor_id=alice.id, user_id=bob.id)
    frame = there.wait("presence", timeout=2, user_id=alice.id)
    assert (frame["status"], frame["last_seen_at"]) == ("offline", None)
    again = join(bob)
    again.quiet(0.7)
    assert again.presences == []
    user_unblock(actor_id=alice.id, user_id=bob.id)
    for socket in (there, again):
        assert socket.wait("presence", timeout=2, user_id=alice.id)["status"] == "online"
