"""Live messages: across processes, in order, once."""

from __future__ import annotations

import time
from uuid import uuid4

import pytest

from apps.chats.services.direct import chat_open_direct
from apps.chats.services.groups import group_create
from apps.chats.services.participants import participant_remove, participants_add
from apps.messages.models import Message
from apps.messages.selectors import Replay
from apps.messages.services.change import message_edit
from apps.messages.services.send import SendRequest, message_send, messages_send
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.redis
def test_message_reaches_the_other_process_and_the_sender_gets_an_ack(alice, bob, chat, join):
    here, there, second_device = join(alice), join(bob, at=1), join(alice, at=1)
    ack = here.say(chat.id, "Hello")
    assert (ack["type"], ack["seq"], ack["duplicate"]) == ("ack", 1, False)
    for other in (there, second_device):
        message = other.wait("message")
        assert (message["id"], message["text"], message["seq"]) == (ack["message_id"], "Hello", 1)
    assert here.frames_until_answer() == []
    here.say(chat.id, "marker")
    assert there.frames_until("message", text="marker") == []


def test_message_is_stored_before_the_ack(alice, bob, chat, join):
    ack = join(alice).say(chat.id, "durable")
    assert Message.objects.get(pk=ack["message_id"]).text == "durable"


def test_retry_gets_the_same_ack_and_is_not_delivered_again(alice, bob, chat, join):
    here, there = join(alice), join(bob, at=1)
    message_id = uuid4()
    first = here.say(chat.id, "once", message_id=message_id)
    again = here.say(chat.id, "once", message_id=message_id)
    assert (first["seq"], first["duplicate"]) == (again["seq"], not again["duplicate"])
    there.wait("message", seq=1)
    here.say(chat.id, "marker")
    assert there.frames_until("message", text="marker") == []
    conflict = there.say(chat.id, "mine?", message_id=message_id)
    assert (conflict["type"], conflict["code"]) == ("error", "message_id_conflict")


def test_burst_arrives_in_order(alice, bob, chat, join):
    here, there = join(alice), join(bob, at=1)
    for number in range(20):
        here.send("message", message_id=uuid4(), chat_id=chat.id, text=str(number))
    seen = [there.wait("message") for _ in range(20)]
    assert [frame["seq"] for frame in seen] == list(range(1, 21))
    assert [frame["text"] for frame in seen] == [str(number) for number in range(20)]


def test_outsider_can_neither_send_nor_receive(alice, charlie, chat, join):
    here, outside = join(alice), join(charlie)
    refused = outside.say(chat.id, "let me in")
    assert (refused["type"], refused["code"], refused["status"]) == ("error", "not_found", 404)
    unknown = outside.say(uuid4(), "anybody?")
    assert {**refused, "ref": 0} == {**unknown, "ref": 0}
    here.say(chat.id, "secret")
    assert outside.frames_until_answer() == []


def test_edits_and_deletions_are_live(alice, bob, chat, join):
    here, there = join(alice), join(bob, at=1)
    ack = here.say(chat.id, "helo")
    edited = here.ask("edit_message", message_id=ack["message_id"], text="hello")
    assert (edited["type"], edited["rev"]) == ("ack", 1)
    frame = there.wait("message_edited")
    assert (frame["message_id"], frame["text"], frame["rev"]) == (ack["message_id"], "hello", 1)
    denied = there.ask("delete_message", message_id=ack["message_id"])
    assert (denied["type"], denied["code"]) == ("error", "not_author")
    assert here.ask("delete_message", message_id=ack["message_id"])["type"] == "ack"
    assert there.wait("message_deleted")["rev"] == 2


def test_change_of_an_earlier_message_is_hidden_from_a_new_participant(
    alice, bob, charlie, join, lost_publishes
):
    group = group_create(actor_id=alice.id, title="Walkers", member_ids=[bob.id])
    early = message_send(sender_id=alice.id, chat_id=group.id, text="before").message["id"]
    participants_add(actor_id=alice.id, chat_id=group.id, user_ids=[charlie.id])
    there, newcomer = join(bob), join(charlie)
    message_edit(actor_id=alice.id, message_id=early, text="still before")
    assert there.wait("message_edited")["text"] == "still before"
    with lost_publishes():  # the healed change is hidden from the newcomer as well
        message_edit(actor_id=alice.id, message_id=early, text="before, once more")
    assert there.wait("message_edited", timeout=7)["text"] == "before, once more"
    late = message_send(sender_id=alice.id, chat_id=group.id, text="after").message["id"]
    message_edit(actor_id=alice.id, message_id=late, text="afterwards")
    assert [
        frame["type"] for frame in newcomer.frames_until("message_edited", text="afterwards")
    ] == ["message"]


@pytest.mark.redis
def test_receipts_are_sent_to_the_sender(alice, bob, chat, join):
    here, there = join(alice), join(bob, at=1)
    here.say(chat.id, "read me")
    there.send("delivered", items=[{"chat_id": chat.id, "seq": 1}])
    receipt = here.wait("receipt")
    assert (receipt["user_id"], receipt["delivered_seq"], receipt["read_seq"]) == (
        str(bob.id),
        1,
        0,
    )
    there.send("read", items=[{"chat_id": chat.id, "seq": 99}])  # beyond the end means the end
    assert here.wait("receipt")["read_seq"] == 1
    message = Message.objects.get()
    assert message.delivered_at is not None
    assert message.read_at is not None


@pytest.mark.redis
def test_new_chat_is_live_at_once(alice, bob, join, api):
    here, there = join(alice), join(bob, at=1)
    answer = api(alice).post("/chats", {"kind": "direct", "user_id": str(bob.id)})
    chat_id = answer.json()["id"]
    assert there.wait("chat_created")["chat_id"] == chat_id
    here.wait("chat_created")
    here.say(chat_id, "first words")
    assert there.wait("message")["text"] == "first words"


@pytest.mark.redis
def test_membership_changes_apply_to_open_sockets(alice, bob, charlie, join):
    group = group_create(actor_id=alice.id, title="Walkers", member_ids=[bob.id])
    here, there, newcomer = join(alice), join(bob, at=1), join(charlie, at=1)
    participants_add(actor_id=alice.id, chat_id=group.id, user_ids=[charlie.id])
    assert newcomer.wait("chat_created")["chat_id"] == str(group.id)
    assert there.wait("participant_joined")["user_id"] == str(charlie.id)
    here.say(group.id, "welcome")
    assert newcomer.wait("message")["text"] == "welcome"
    participant_remove(actor_id=alice.id, chat_id=group.id, user_id=charlie.id)
    assert newcomer.wait("chat_removed")["chat_id"] == str(group.id)
    assert there.wait("participant_left")["user_id"] == str(charlie.id)
    here.say(group.id, "among us")
    assert there.wait("message", text="among us")
    assert newcomer.frames_until_answer() == []
    assert newcomer.say(group.id, "still here")["code"] == "not_found"


def test_message_sent_through_rest_is_delivered_to_sockets(alice, bob, chat, join, api):
    there = join(bob, at=1)
    sent = api(alice).post("/messages", {"chat_id": str(chat.id), "text": "from a script"}).json()
    message = there.wait("message")
    assert {**sent, "type": "message"} == message


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
