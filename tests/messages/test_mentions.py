"""Mentions: names in a text become people of the chat, at sending and at editing."""

from __future__ import annotations

from uuid import uuid4

import pytest

from apps.chats.services.groups import group_create
from apps.messages.models import Message
from apps.messages.rules import names_in
from apps.messages.services.change import message_edit
from apps.messages.services.send import SendRequest, messages_send
from messenger.core.models import OutboxEvent


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("no names", []),
        ("@alice hello", ["alice"]),
        ("hello @Alice, and @bob_m!", ["alice", "bob_m"]),
        ("thanks @alice.", ["alice.", "alice"]),
        ("write to alice@example.org", []),
        ("@alice@example.org", []),
        ("@@alice @al @1alice @", []),
        ("(@alice)\n@alice", ["alice"]),
        ("@" + "a" * 33, []),
    ],
)
def test_mentions_are_found_in_texts(text, names):
    assert names_in(text) == names


def test_message_mentions_only_participants(alice, bob, charlie, api):
    group = group_create(actor_id=alice.id, title="Two", member_ids=[bob.id])
    text = "@BOB_M and @charlie and @nobody_here"
    body = api(alice).post("/messages", {"chat_id": str(group.id), "text": text}).json()
    assert body["mentions"] == [str(bob.id)]
    assert Message.objects.get(pk=body["id"]).mentions == [bob.id]
    event = OutboxEvent.objects.get(event_type="message.sent")
    assert event.payload["mentions"] == [str(bob.id)]
    listed = api(bob).get("/messages", {"chat_id": str(group.id)}).json()["items"]
    assert listed[-1]["mentions"] == [str(bob.id)]


def test_a_batch_keeps_each_messages_mentions_apart(alice, bob, chat, django_assert_num_queries):
    texts = ["@bob_m", "nobody", "@alice @bob_m", "@bob_m.", "plain"]
    batch = [SendRequest(alice.id, chat.id, uuid4(), text) for text in texts]
    messages_send([SendRequest(alice.id, chat.id, uuid4(), "first")])  # leaves alice's mark
    with django_assert_num_queries(4):  # as many as without names
        messages_send(batch)
    found = [set(row.mentions) for row in Message.objects.filter(seq__gt=1).order_by("seq")]
    assert found == [{bob.id}, set(), {alice.id, bob.id}, {bob.id}, set()]


def test_edit_replaces_mentions_and_deletion_removes_them(alice, bob, chat, say, api):
    sent = say(alice, "@bob_m")
    message_edit(actor_id=alice.id, message_id=sent["id"], text="@alice instead")
    assert Message.objects.get(pk=sent["id"]).mentions == [alice.id]
    event = OutboxEvent.objects.get(event_type="message.edited")
    assert event.payload["mentions"] == [str(alice.id)]
    api(alice).delete(f"/messages/{sent['id']}")
    assert Message.objects.get(pk=sent["id"]).mentions == []


def test_the_chat_list_counts_unread_mentions(alice, bob, chat, say, api):
    say(alice, "@bob_m one")
    say(alice, "two")
    say(bob, "@bob_m myself")
    say(alice, "@bob_m three")

    def counts(user):
        row = api(user).get("/chats").json()["items"][0]
        return row["unread_count"], row["mention_count"]

    assert counts(bob) == (3, 2)
    assert counts(alice) == (1, 0)
    api(bob).post(f"/chats/{chat.id}/read", {"seq": 1})
    assert counts(bob) == (2, 1)
