"""Editing with history, deleting with a tombstone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings

from apps.chats.services.groups import group_create
from apps.messages.models import Message
from apps.messages.services.send import message_send
from messenger.core.models import OutboxEvent


def test_edit_keeps_the_history_and_emits_an_event(alice, bob, say, api):
    message = say(alice, "one")
    for text in ("two", "three", "three"):  # the same text again is no edit
        answer = api(alice).patch(f"/messages/{message['id']}", {"text": text})
        assert answer.status_code == 200
    body = answer.json()
    assert (body["text"], body["rev"], body["seq"]) == ("three", 2, 1)
    assert body["edited_at"]
    history = api(bob).get(f"/messages/{message['id']}/history").json()["items"]
    assert [item["text"] for item in history] == ["one", "two"]
    told = OutboxEvent.objects.filter(event_type="message.edited")
    assert [event.payload["text"] for event in told] == ["two", "three"]


def test_deletion_leaves_a_tombstone(alice, bob, say, api):
    message = say(alice, "secret")
    say(alice, "next")
    api(alice).patch(f"/messages/{message['id']}", {"text": "still secret"})
    for _ in range(2):
        assert api(alice).delete(f"/messages/{message['id']}").status_code == 204
    items = api(bob).get(f"/messages?chat_id={message['chat_id']}").json()["items"]
    assert [(item["seq"], item["text"]) for item in items] == [(1, ""), (2, "next")]
    assert items[0]["deleted_at"]
    assert api(bob).get(f"/messages/{message['id']}/history").json()["items"] == []
    assert OutboxEvent.objects.filter(event_type="message.deleted").count() == 1


def test_only_the_author_edits_and_tombstones_cannot_be_edited(alice, bob, charlie, say, api):
    message = say(alice, "mine")
    path = f"/messages/{message['id']}"
    assert api(bob).patch(path, {"text": "yours"}).json()["code"] == "not_author"
    assert api(bob).delete(path).json()["code"] == "not_author"
    for client_method in ("patch", "delete", "get"):
        answer = getattr(api(charlie), client_method)(path, {"text": "x"})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    api(alice).delete(path)
    answer = api(alice).patch(path, {"text": "again"})
    assert (answer.status_code, answer.json()["code"]) == (409, "message_deleted")


def test_group_admin_can_delete_but_not_edit(alice, bob, api):
    group = group_create(actor_id=alice.id, title="Walkers", member_ids=[bob.id])
    sent = message_send(sender_id=bob.id, chat_id=group.id, text="spam").message
    assert api(alice).patch(f"/messages/{sent['id']}", {"text": "ham"}).status_code == 403
    assert api(alice).delete(f"/messages/{sent['id']}").status_code == 204


def test_edit_is_refused_after_the_window(alice, say, api):
    message = say(alice, "old")
    row = Message.objects.get(pk=message["id"])
    row.created_at -= timedelta(seconds=settings.MESSAGE_EDIT_WINDOW + 1)
    row.save()
    answer = api(alice).patch(f"/messages/{message['id']}", {"text": "new"})
    assert (answer.status_code, answer.json()["code"]) == (403, "edit_window_over")


@pytest.mark.parametrize("text", ["", " ", "x" * 5001, None, 1, "a\u0000"])
def test_a_bad_text_changes_nothing(alice, say, api, text):
    message = say(alice, "good")
    assert api(alice).patch(f"/messages/{message['id']}", {"text": text}).status_code == 400
    assert Message.objects.get().text == "good"


def test_edits_count_as_messages(alice, say, api, settings):
    burst, _ = settings.RATE_LIMITS["messages"]
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "messages": (burst, 0.01)}
    message, client = say(alice, "one"), api(alice)
    answers = [client.patch(f"/messages/{message['id']}", {"text": str(n)}) for n in range(24)]
    assert answers[-1].status_code == 429
