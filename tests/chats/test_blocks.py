"""Blocks: what the blocked person tries, and what goes on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from apps.accounts import serializers as shapes
from apps.accounts.models import Block
from apps.accounts.services.blocks import user_block, user_unblock
from apps.chats.errors import NotAcceptingMessages, PersonBlocked
from apps.chats.models import Participant
from apps.chats.services.direct import chat_open_direct
from apps.chats.services.groups import group_create
from apps.messages.models import Message
from apps.messages.selectors import Replay
from apps.messages.services.read import CursorMove, cursors_move
from apps.messages.services.send import message_send
from messenger.core.errors import DomainError
from messenger.core.models import OutboxEvent
from tests.factories import UserFactory


@pytest.fixture
def chat(alice, bob):
    """The direct chat of alice and bob, in which bob has written."""
    chat, _ = chat_open_direct(actor_id=alice.id, user_id=bob.id)
    message_send(sender_id=bob.id, chat_id=chat.id, text="before")
    return chat


@pytest.fixture
def blocked(alice, bob, chat):
    """Alice has blocked bob, who tries everything."""
    user_block(actor_id=alice.id, user_id=bob.id)
    return bob


def refused(answer) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


NO = (403, "not_accepting_messages")


def test_blocking_and_unblocking_are_idempotent_and_emit_one_event_each(alice, bob, chat, api):
    client = api(alice)
    for _ in range(2):
        assert client.put(f"/users/{bob.id}/block").status_code == 204
    body = client.get("/users/me/blocks").json()
    shapes.BlocksPage.model_validate(body)
    assert [item["user"]["id"] for item in body["items"]] == [str(bob.id)]
    assert api(bob).get("/users/me/blocks").json()["items"] == []
    for _ in range(2):
        assert client.delete(f"/users/{bob.id}/block").status_code == 204
    assert client.get("/users/me/blocks").json()["total"] == 0
    events = OutboxEvent.objects.filter(event_type__in=["user.blocked", "user.unblocked"])
    assert [event.event_type for event in events] == ["user.blocked", "user.unblocked"]
    assert {event.payload["blocked_id"] for event in events} == {str(bob.id)}


def test_blocking_oneself_or_an_unknown_person_is_refused(alice, api):
    assert refused(api(alice).put(f"/users/{alice.id}/block")) == (400, "invalid_input")
    for method in ("put", "delete"):
        answer = getattr(api(alice), method)(f"/users/{uuid4()}/block")
        assert refused(answer) == (404, "person_not_found")
    assert not Block.objects.exists()


def test_blocked_person_cannot_write_by_chat_or_recipient(alice, blocked, chat, api):
    client = api(blocked)
    assert refused(client.post("/messages", {"chat_id": str(chat.id), "text": "x"})) == NO
    assert refused(client.post("/messages", {"recipient_id": str(alice.id), "text": "x"})) == NO
    sent = Message.objects.get()
    assert refused(client.patch(f"/messages/{sent.id}", {"text": "read this"})) == NO
    sent.refresh_from_db()
    assert (sent.text, Message.objects.count()) == ("before", 1)
    assert client.delete(f"/messages/{sent.id}").status_code == 204


def test_blocked_person_cannot_open_a_chat_or_create_a_group(alice, bob, charlie, api):
    user_block(actor_id=alice.id, user_id=bob.id)
    client = api(bob)
    direct = {"kind": "direct", "user_id": str(alice.id)}
    assert refused(client.post("/chats", direct)) == NO
    assert refused(client.post("/messages", {"recipient_id": str(alice.id), "text": "x"})) == NO
    group = {"kind": "group", "title": "Come", "member_ids": [str(alice.id), str(charlie.id)]}
    assert refused(client.post("/chats", group)) == NO
    own = group_create(actor_id=bob.id, title="Mine").id
    answer = client.post(f"/chats/{own}/participants", {"user_ids": [str(alice.id)]})
    assert refused(answer) == NO
    # The blocker gets another error.
    direct["user_id"] = str(bob.id)
    assert refused(api(alice).post("/chats", direct)) == (403, "person_blocked")


def test_blocks_do_not_affect_groups_in_common(alice, bob, charlie, api):
    group = group_create(actor_id=charlie.id, title="All", member_ids=[alice.id, bob.id])
    user_block(actor_id=alice.id, user_id=bob.id)
    for sender in (alice, bob):
        message_send(sender_id=sender.id, chat_id=group.id, text="still here")
    item = api(bob).get(f"/chats/{group.id}").json()
    assert (item["can_write"], item["blocked"], item["unread_count"]) == (True, False, 1)


def test_refusal_of_a_block_equals_that_of_the_privacy_setting(alice, bob, charlie, api):
    user_block(actor_id=alice.id, user_id=bob.id)
    charlie.writes_from = "contacts"
    charlie.save()
    answers = [
        api(bob).post("/chats", {"kind": "direct", "user_id": str(one.id)}).json()
        for one in (alice, charlie)
    ]
    for answer in answers:
        del answer["request_id"]
    assert answers[0] == answers[1]


def test_unblocking_removes_only_ones_own_block(alice, bob, chat):
    user_block(actor_id=alice.id, user_id=bob.id)
    user_block(actor_id=bob.id, user_id=alice.id)
    user_unblock(actor_id=alice.id, user_id=bob.id)
    for sender, error in ((alice, NotAcceptingMessages), (bob, PersonBlocked)):
        with pytest.raises(error):
            message_send(sender_id=sender.id, chat_id=chat.id, text="x")
    user_unblock(actor_id=bob.id, user_id=alice.id)
    for sender in (alice, bob):
        message_send(sender_id=sender.id, chat_id=chat.id, text="again")


def test_retry_of_a_message_stored_before_the_block_is_acknowledged(alice, bob, chat):
    message_id = uuid4()
    message_send(sender_id=bob.id, chat_id=chat.id, text="mine", message_id=message_id)
    user_block(actor_id=alice.id, user_id=bob.id)
    again = message_send(sender_id=bob.id, chat_id=chat.id, text="mine", message_id=message_id)
    assert again.duplicate


def test_blocked_person_gets_no_receipts(alice, blocked, chat, api):
    assert cursors_move([CursorMove(alice.id, chat.id, 1, 1)]) == [None]
    sent = Message.objects.get()
    assert (sent.delivered_at, sent.read_at) == (None, None)
    (receipt,) = api(blocked).get(f"/messages/{sent.id}/receipts").json()["items"]
    assert (receipt["delivered_at"], receipt["read_at"]) == (None, None)
    rows = api(blocked).get(f"/chats/{chat.id}/participants").json()["items"]
    assert {row["read_seq"] for row in rows if row["user"]["id"] == str(alice.id)} == {0}
    # Nor do they trouble alice: it is not unread for her, nor replayed at each connect.
    assert api(alice).get(f"/chats/{chat.id}").json()["unread_count"] == 0
    assert list(Replay(alice.id).messages()) == []
    user_unblock(actor_id=alice.id, user_id=blocked.id)
    (page,) = Replay(alice.id).messages()
    assert [one["text"] for one in page] == ["before"]
    cursors_move([CursorMove(alice.id, chat.id, 1, 1)])
    sent.refresh_from_db()
    assert sent.read_at is not None


@pytest.mark.redis
def test_blocked_person_sees_no_presence_but_the_blocker_does(alice, blocked, chat, api):
    for person in (alice, blocked):
        person.last_seen_at = timezone.now() - timedelta(hours=1)
        person.save()
    told = api(blocked).get(f"/users/{alice.id}").json()
    assert (told["status"], told["last_seen_at"]) == (None, None)
    peer = api(blocked).get(f"/chats/{chat.id}").json()["peer"]
    assert (peer["status"], peer["last_seen_at"]) == (None, None)
    seen = api(alice).get(f"/users/{blocked.id}").json()
    assert (seen["status"], seen["last_seen_at"] is None) == ("offline", False)


def test_chat_list_shows_each_person_whether_they_can_write(alice, blocked, chat, api):
    mine, theirs = (api(one).get(f"/chats/{chat.id}").json() for one in (alice, blocked))
    assert (mine["blocked"], mine["can_write"]) == (True, False)
    assert (theirs["blocked"], theirs["can_write"]) == (False, False)


def test_blocks_of_a_deleted_account_are_deleted(alice, blocked, charlie):
    from apps.accounts.services.profile import user_anonymise

    user_block(actor_id=charlie.id, user_id=alice.id)
    user_anonymise(actor_id=alice.id, user=alice)
    assert list(Block.objects.values_list("blocker_id", flat=True)) == [charlie.id]
    flags = Participant.objects.filter(user=blocked).values_list("is_blocked", "may_post")
    assert list(flags) == [(False, None)]


@pytest.mark.django_db(transaction=True)
def test_block_and_concurrent_first_contact_are_serialised():
    for _ in range(5):
        one, other = UserFactory(), UserFactory()

        def act(number: int, one=one, other=other) -> None:
            try:
                if number % 2:
                    user_block(actor_id=one.id, user_id=other.id)
                else:
                    chat_open_direct(actor_id=other.id, user_id=one.id)
            except DomainError:
                pass
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(act, range(4)))
        marks = Participant.objects.filter(user=other).values_list("is_blocked", flat=True)
        assert list(marks) in ([], [True])


@pytest.mark.django_db(transaction=True)
def test_no_message_is_stored_after_the_block_was_answered(alice, bob, chat):
    def write(_number: int) -> bool:
        try:
            message_send(sender_id=bob.id, chat_id=chat.id, text="x")
        except NotAcceptingMessages:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(6) as pool:
        tries = [pool.submit(write, number) for number in range(40)]
        user_block(actor_id=alice.id, user_id=bob.id)
        stored = Message.objects.count()
        written = sum(one.result() for one in tries)
    assert Message.objects.count() == stored == written + 1
