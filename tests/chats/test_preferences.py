"""A person's own preferences for a chat."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.chats.models import Participant
from apps.chats.services.direct import chat_open_direct
from apps.messages.services.send import message_send

DEFAULTS = {
    "muted_until": None,
    "notify": "all",
    "pinned": False,
    "archived": False,
    "draft": "",
}


@pytest.fixture
def chat(alice, bob):
    return chat_open_direct(actor_id=alice.id, user_id=bob.id)[0]


def preferences_of(client):
    return client.get("/chats").json()["items"][0]["preferences"]


def test_given_preferences_change_for_the_asking_person_only(alice, bob, chat, api):
    hers, his = api(alice), api(bob)
    path = f"/chats/{chat.id}/preferences"
    until = (timezone.now() + timedelta(hours=8)).isoformat()
    changed = hers.patch(path, {"muted_until": until, "pinned": True}).json()
    assert changed["pinned"]
    assert changed["muted_until"].startswith(until[:19])
    hers.patch(path, {"notify": "mentions", "draft": "Dear Bob,\n"})
    mine = preferences_of(hers)
    assert (mine["notify"], mine["draft"], mine["pinned"]) == ("mentions", "Dear Bob,\n", True)
    assert hers.patch(path, {"muted_until": None}).json()["muted_until"] is None
    assert preferences_of(his) == DEFAULTS


@pytest.mark.parametrize(
    "change",
    [
        {"notify": "some"},
        {"notify": None},
        {"pinned": "yes"},
        {"muted_until": "tomorrow"},
        {"muted_until": "2026-01-01T00:00:00"},
        {"muted_until": "9999-12-31T23:59:59-10:00"},
        {"draft": "x" * 5001},
        {"draft": "a\u0000b"},
        {"read_seq": 7},
    ],
)
def test_bad_preferences_change_nothing(alice, chat, api, change):
    client = api(alice)
    assert client.patch(f"/chats/{chat.id}/preferences", change).status_code == 400
    assert preferences_of(client) == DEFAULTS


def test_outsiders_have_no_preferences(charlie, chat, api):
    answer = api(charlie).patch(f"/chats/{chat.id}/preferences", {"pinned": True})
    assert answer.status_code == 404
    assert not Participant.objects.filter(pinned=True).exists()


def test_pinned_chats_come_first(alice, bob, charlie, api):
    old = chat_open_direct(actor_id=alice.id, user_id=bob.id)[0]
    new = chat_open_direct(actor_id=alice.id, user_id=charlie.id)[0]
    message_send(sender_id=charlie.id, chat_id=new.id, text="newer")
    client = api(alice)

    def order():
        return [row["id"] for row in client.get("/chats").json()["items"]]

    assert order() == [str(new.id), str(old.id)]
    client.patch(f"/chats/{old.id}/preferences", {"pinned": True})
    assert order() == [str(old.id), str(new.id)]
