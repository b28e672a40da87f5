"""Groups: who may do what, and what newcomers see."""

from __future__ import annotations

from uuid import uuid4

import pytest

from apps.chats.models import Participant
from apps.chats.services.groups import group_create
from apps.chats.services.participants import participants_add
from apps.messages.selectors import Replay
from apps.messages.serializers import SyncPosition
from apps.messages.services.change import message_edit
from apps.messages.services.send import message_send


@pytest.fixture
def group(alice, bob):
    """Alice's group, with bob."""
    return group_create(actor_id=alice.id, title="Walkers", member_ids=[bob.id])


def roles_of(group) -> dict[str, str]:
    rows = Participant.objects.filter(chat=group, left_at=None).select_related("user")
    return {row.user.username: row.role for row in rows}


def test_new_group_has_its_owner_and_members(alice, bob, api):
    body = {"kind": "group", "title": "Walkers", "member_ids": [str(bob.id), str(alice.id)]}
    chat = api(alice).post("/chats", body).json()
    assert (chat["kind"], chat["title"], chat["participant_count"]) == ("group", "Walkers", 2)
    page = api(bob).get(f"/chats/{chat['id']}/participants").json()
    assert [(row["user"]["username"], row["role"]) for row in page["items"]] == [
        ("alice", "owner"),
        ("bob_m", "member"),
    ]
    assert (page["total"], page["pages"]) == (2, 1)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"kind": "channel"},
        {"kind": ["group"]},
        {"kind": "group"},
        {"kind": "group", "title": ""},
        {"kind": "group", "title": "x" * 121},
        {"kind": "group", "title": "a\u0000b"},
        {"kind": "group", "title": "\u202egpj.exe"},
        {"kind": "group", "title": "two\nlines"},
        {"kind": "group", "title": 7},
        {"kind": "group", "title": "x", "member_ids": "all"},
        {"kind": "group", "title": "x", "member_ids": [str(uuid4())]},
        {"kind": "group", "title": "x", "colour": "red"},
        {"kind": "direct", "user_id": "me"},
        [1, 2],
    ],
)
def test_bad_input_creates_no_chat(alice, api, body):
    answer = api(alice).post("/chats", body, format="json")
    assert answer.status_code == 400, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert api(alice).get("/chats").json()["items"] == []


def test_group_is_not_found_for_outsiders(group, charlie, bob, api):
    client = api(charlie)
    answers = [
        client.get(f"/chats/{group.id}"),
        client.patch(f"/chats/{group.id}", {"title": "Mine"}),
        client.delete(f"/chats/{group.id}"),
        client.get(f"/chats/{group.id}/participants"),
        client.post(f"/chats/{group.id}/participants", {"user_ids": [str(charlie.id)]}),
        client.delete(f"/chats/{group.id}/participants/{bob.id}"),
        client.patch(f"/chats/{group.id}/participants/{charlie.id}", {"role": "owner"}),
        client.post(f"/chats/{group.id}/read", {"seq": 1}),
        client.get(f"/messages?chat_id={group.id}"),
        client.post("/messages", {"chat_id": str(group.id), "text": "hi"}),
    ]
    missing = client.get(f"/chats/{uuid4()}")
    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert {answer.json()["code"] for answer in answers} == {missing.json()["code"]}


def test_admins_change_a_group_and_only_the_owner_deletes_it(group, alice, bob, api):
    assert api(bob).patch(f"/chats/{group.id}", {"title": "Mine"}).status_code == 403
    assert api(bob).delete(f"/chats/{group.id}").status_code == 403
    api(alice).patch(f"/chats/{group.id}/participants/{bob.id}", {"role": "admin"})
    renamed = api(bob).patch(f"/chats/{group.id}", {"title": "Runners"})
    assert (renamed.status_code, renamed.json()["title"]) == (200, "Runners")
    assert api(bob).delete(f"/chats/{group.id}").status_code == 403
    assert api(alice).delete(f"/chats/{group.id}").status_code == 204
    assert api(alice).get(f"/chats/{group.id}").status_code == 404


def test_newcomers_see_only_later_messages(group, alice, charlie, api):
    message_send(sender_id=alice.id, chat_id=group.id, text="before")
    participants_add(actor_id=alice.id, chat_id=group.id, user_ids=[charlie.id])
    message_send(sender_id=alice.id, chat_id=group.id, text="after")

    timeline = api(charlie).get(f"/messages?chat_id={group.id}").json()
    assert [item["text"] for item in timeline["items"]] == ["after"]
    assert timeline["has_more_before"] is False
    assert api(charlie).get("/chats").json()["items"][0]["unread_count"] == 1
    before = api(alice).get(f"/messages?chat_id={group.id}").json()["items"][0]["id"]
    assert api(charlie).get(f"/messages/{before}").status_code == 404


def test_newcomers_get_no_changes_of_earlier_messages(group, alice, charlie):
    early = message_send(sender_id=alice.id, chat_id=group.id, text="before").message["id"]
    message_edit(actor_id=alice.id, message_id=early, text="still before")
    participants_add(actor_id=alice.id, chat_id=group.id, user_ids=[charlie.id])
    everything = {group.id: SyncPosition(seq=2**40, rev=0)}
    (page,) = Replay(alice.id, everything).changes()
    assert [change.id for change in page] == [early]
    assert [change for page in Replay(charlie.id, everything).changes() for change in page] == []


def test_newcomers_see_all_messages_of_a_shared_history(alice, charlie, api):
    chat = group_create(actor_id=alice.id, title="Open book", shares_history=True)
    message_send(sender_id=alice.id, chat_id=chat.id, text="before")
    participants_add(actor_id=alice.id, chat_id=chat.id, user_ids=[charlie.id])
    timeline = api(charlie).get(f"/messages?chat_id={chat.id}").json()
    assert [item["text"] for item in timeline["items"]] == ["before"]
    assert api(charlie).get("/chats").json()["items"][0]["unread_count"] == 0


def test_removed_member_cannot_read_or_post(group, alice, bob, api):
    sent = message_send(sender_id=alice.id, chat_id=group.id, text="hello")
    assert api(alice).delete(f"/chats/{group.id}/participants/{bob.id}").status_code == 204
    client = api(bob)
    assert client.get("/chats").json()["items"] == []
    assert client.get(f"/messages/{sent.message['id']}").status_code == 404
    body = {"chat_id": str(group.id), "text": "still here?"}
    assert client.post("/messages", body).status_code == 404


def test_members_can_leave_but_not_remove_their_peers(group, alice, bob, charlie, api):
    participants_add(actor_id=alice.id, chat_id=group.id, user_ids=[charlie.id])
    assert api(bob).delete(f"/chats/{group.id}/participants/{charlie.id}").status_code == 403
    assert api(bob).delete(f"/chats/{group.id}/participants/{alice.id}").status_code == 403
    assert api(bob).delete(f"/chats/{group.id}/participants/{bob.id}").status_code == 204
    assert roles_of(group) == {"alice": "owner", "charlie": "member"}


def test_group_of_a_leaving_owner_gets_a_new_owner(group, alice, bob, charlie, api):
    participants_add(actor_id=alice.id, chat_id=group.id, user_ids=[charlie.id])
    api(alice).patch(f"/chats/{group.id}/participants/{charlie.id}", {"role": "admin"})
    api(alice).delete(f"/chats/{group.id}/participants/{alice.id}")
    assert roles_of(group) == {"bob_m": "member", "charlie": "owner"}


def test_owner_who_hands_over_becomes_admin(group, alice, bob, api):
    path = f"/chats/{group.id}/participants"
    assert api(alice).patch(f"{path}/{alice.id}", {"role": "member"}).status_code == 403
    assert api(alice).patch(f"{path}/{bob.id}", {"role": "owner"}).status_code == 200
    assert roles_of(group) == {"alice": "admin", "bob_m": "owner"}


def test_returning_member_sees_only_later_messages(group, alice, bob, api):
    api(bob).delete(f"/chats/{group.id}/participants/{bob.id}")
    message_send(sender_id=alice.id, chat_id=group.id, text="while away")
    participants_add(actor_id=alice.id, chat_id=group.id, user_ids=[bob.id])
    assert api(bob).get(f"/messages?chat_id={group.id}").json()["items"] == []
    assert api(bob).get(f"/chats/{group.id}").json()["participant_count"] == 2
