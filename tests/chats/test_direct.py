"""Direct chats: one a pair."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.db import connection

from apps.accounts.models import User
from apps.chats.models import Chat, Participant
from apps.chats.services.direct import chat_open_direct
from apps.chats.services.groups import group_create
from messenger.core.models import OutboxEvent
from tests.factories import UserFactory


def test_direct_chat_is_created_once_from_either_side(alice, bob, api):
    first = api(alice).post("/chats", {"kind": "direct", "user_id": str(bob.id)})
    again = api(alice).post("/chats", {"kind": "direct", "user_id": str(bob.id)})
    other_side = api(bob).post("/chats", {"kind": "direct", "user_id": str(alice.id)})

    assert (first.status_code, again.status_code, other_side.status_code) == (201, 200, 200)
    assert first.json()["id"] == again.json()["id"] == other_side.json()["id"]
    assert first.json()["peer"]["username"] == bob.username
    assert other_side.json()["peer"]["username"] == alice.username
    assert OutboxEvent.objects.filter(event_type="chat.created").count() == 1


@pytest.mark.django_db(transaction=True)
def test_concurrent_opening_creates_one_direct_chat():
    one, other = UserFactory(), UserFactory()

    def open_it(number: int) -> tuple[str, bool]:
        actor, user = (one, other) if number % 2 else (other, one)
        try:
            chat, created = chat_open_direct(actor_id=actor.id, user_id=user.id)
            return str(chat.id), created
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(open_it, range(16)))

    assert len({chat_id for chat_id, _ in outcomes}) == 1
    assert sum(created for _, created in outcomes) == 1
    assert Chat.objects.count() == 1
    assert Participant.objects.count() == 2


def test_opening_a_chat_with_oneself_or_an_unknown_person_is_refused(alice, api):
    for user_id, status in ((alice.id, 400), (uuid4(), 404)):
        answer = api(alice).post("/chats", {"kind": "direct", "user_id": str(user_id)})
        assert answer.status_code == status, answer.content


def test_contacts_only_setting_refuses_strangers(alice, bob, charlie, api):
    bob.writes_from = User.WritesFrom.CONTACTS
    bob.save()
    refused = api(alice).post("/chats", {"kind": "direct", "user_id": str(bob.id)})
    assert (refused.status_code, refused.json()["code"]) == (403, "not_accepting_messages")

    shared = [str(alice.id), str(bob.id)]
    group = {"kind": "group", "title": "Both", "member_ids": shared}
    for stranger in (alice, charlie):  # a group is no way around it
        refused = api(stranger).post("/chats", group)
        assert (refused.status_code, refused.json()["code"]) == (403, "not_accepting_messages")
    own = group_create(actor_id=alice.id, title="Mine").id
    refused = api(alice).post(f"/chats/{own}/participants", {"user_ids": [str(bob.id)]})
    assert (refused.status_code, refused.json()["code"]) == (403, "not_accepting_messages")

    assert api(bob).post("/chats", {"kind": "direct", "user_id": str(charlie.id)}).json()["id"]
    assert api(charlie).post("/chats", group).status_code == 201
    allowed = api(alice).post("/chats", {"kind": "direct", "user_id": str(bob.id)})
    assert allowed.status_code == 201


def test_direct_chat_cannot_be_changed(alice, bob, charlie, api):
    chat, _ = chat_open_direct(actor_id=alice.id, user_id=bob.id)
    client = api(alice)
    answers = [
        client.post(f"/chats/{chat.id}/participants", {"user_ids": [str(charlie.id)]}),
        client.delete(f"/chats/{chat.id}/participants/{bob.id}"),
        client.patch(f"/chats/{chat.id}", {"title": "Ours"}),
        client.patch(f"/chats/{chat.id}/participants/{bob.id}", {"role": "admin"}),
        client.delete(f"/chats/{chat.id}"),
    ]
    assert [answer.status_code for answer in answers] == [409] * 5
    assert {answer.json()["code"] for answer in answers} == {"direct_chat_is_fixed"}
