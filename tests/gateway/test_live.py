"""Live messages: across processes, in order, once."""

from __future__ import annotations

from uuid import uuid4

import pytest

from apps.chats.services.groups import group_create
from apps.chats.services.participants import participant_remove, participants_add
from apps.messages.models import Message
from apps.messages.services.change import message_edit
from apps.messages.services.send import message_send

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
