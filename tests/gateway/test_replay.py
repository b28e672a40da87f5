"""Replays: at the handshake, and on `sync`."""

from __future__ import annotations

import time
from uuid import uuid4

import pytest

from apps.chats.services.direct import chat_open_direct
from apps.chats.services.groups import group_create
from apps.chats.services.participants import participant_remove
from apps.messages.selectors import Replay
from apps.messages.services.change import message_edit
from apps.messages.services.send import SendRequest, message_send, messages_send
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


def test_missed_messages_are_replayed_in_order_until_acknowledged(alice, bob, chat, join):
    for number in range(300):
        message_send(sender_id=alice.id, chat_id=chat.id, text=str(number))
    for _ in range(2):  # nothing was acknowledged: it comes again
        there = join(bob, wait=False)
        done = there.ready()
        seqs = [frame["seq"] for frame in there.seen if frame["type"] == "message"]
        assert seqs == list(range(1, 301))
        assert done["chats"] == {str(chat.id): 300}
    there.send("delivered", items=[{"chat_id": chat.id, "seq": 300}])
    there.wait("receipt")
    again = join(bob, wait=False)
    assert again.ready()["chats"] == {}


def test_replay_of_too_many_messages_is_a_resync(alice, bob, chat, join):
    for number in range(501):
        message_send(sender_id=alice.id, chat_id=chat.id, text=str(number))
    there = join(bob, wait=False)
    there.ready()
    assert [frame["chats"] for frame in there.seen if frame["type"] == "resync"] == [[str(chat.id)]]


def test_sync_replays_missed_messages_and_changes(alice, bob, chat, join):
    here = join(alice)
    first = here.say(chat.id, "one")
    here.say(chat.id, "two")
    here.say(chat.id, "three")
    here.ask("edit_message", message_id=first["message_id"], text="uno")
    there = join(bob)
    there.seen.clear()
    there.send("sync", chats={str(chat.id): {"seq": 1, "rev": 0}})
    done = there.ready()
    assert (done["chats"], done["revs"]) == ({str(chat.id): 3}, {str(chat.id): 1})
    assert [(f["type"], f.get("seq"), f.get("text")) for f in there.seen] == [
        ("message", 2, "two"),
        ("message", 3, "three"),
        ("message_edited", 1, "uno"),
    ]
    there.seen.clear()
    there.send("sync", chats={str(chat.id): 3, str(uuid4()): 0})
    assert there.ready()["chats"] == {str(chat.id): 3}
    assert there.seen == []


def test_sync_of_too_many_changes_is_a_resync(alice, bob, chat, join):
    sent = messages_send([SendRequest(bob.id, chat.id, uuid4(), str(n)) for n in range(501)])
    for one in sent:
        message_edit(actor_id=bob.id, message_id=one.message["id"], text="edited")
    here = join(bob)
    here.send("sync", chats={str(chat.id): {"seq": 501, "rev": 0}}, ref="mine")
    done = here.answer("mine")
    assert (done["type"], done["revs"]) == ("sync_done", {str(chat.id): 501})
    assert [frame["chats"] for frame in here.seen if frame["type"] == "resync"] == [[str(chat.id)]]


def test_own_messages_are_replayed_on_sync_but_not_at_the_handshake(alice, bob, chat, join):
    message_send(sender_id=alice.id, chat_id=chat.id, text="mine")
    again = join(alice, wait=False)
    assert again.ready()["chats"] == {}
    assert [frame["type"] for frame in again.seen] == ["connected"]
    again.send("sync", chats={str(chat.id): 0})
    assert again.wait("message")["text"] == "mine"


def test_handshake_replays_at_most_five_thousand_and_names_the_rest(alice, join):
    ids = []
    for _ in range(11):
        other = UserFactory()
        chat, _ = chat_open_direct(actor_id=alice.id, user_id=other.id)
        messages_send([SendRequest(other.id, chat.id, uuid4(), str(n)) for n in range(490)])
        ids.append(str(chat.id))
    here = join(alice, wait=False)
    done = here.wait("sync_done", timeout=30)
    got = [frame for frame in here.seen if frame["type"] == "message"]
    assert len(got) == 5000
    (resync,) = [frame["chats"] for frame in here.seen if frame["type"] == "resync"]
    assert resync == [max(ids)]
    assert set(done["chats"]) == set(ids)


def test_replay_of_large_messages_is_complete_and_in_order(alice, bob, chat, join):
    text = "\U0001f600" * 5000
    for _ in range(5):
        messages_send([SendRequest(bob.id, chat.id, uuid4(), text) for _ in range(60)])
    here = join(alice, wait=False)
    here.wait("sync_done", timeout=30)
    got = [frame["seq"] for frame in here.seen if frame["type"] == "message"]
    assert got == list(range(1, 301))


def test_thousand_missed_messages_arrive_in_order_within_two_seconds(alice, bob, join):
    people = [bob, UserFactory()]
    for other in people:  # one chat replays 500
        chat, _ = chat_open_direct(actor_id=alice.id, user_id=other.id)
        messages_send([SendRequest(other.id, chat.id, uuid4(), "missed " * 20) for _ in range(500)])
    started = time.monotonic()
    here = join(alice, wait=False)
    here.wait("sync_done")
    assert time.monotonic() - started < 2
    got = [(frame["chat_id"], frame["seq"]) for frame in here.seen if frame["type"] == "message"]
    assert len(got) == 1000
    assert got == sorted(got)


def test_removed_person_gets_no_further_page_of_a_replay(alice, bob):
    group = group_create(actor_id=alice.id, title="Walkers", member_ids=[bob.id])
    for _ in range(2):
        messages_send([SendRequest(alice.id, group.id, uuid4(), "x") for _ in range(250)])
    pages = Replay(bob.id).messages()
    assert len(next(pages)) == 250
    participant_remove(actor_id=alice.id, chat_id=group.id, user_id=bob.id)
    assert list(pages) == []
