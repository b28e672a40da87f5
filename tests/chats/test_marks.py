"""The marks on participant rows: sending honours them, the policy writes them."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db.models import F
from django.utils import timezone

from apps.accounts.services.blocks import user_block, user_unblock
from apps.chats.errors import NotAcceptingMessages
from apps.chats.models import Chat, Participant
from apps.chats.services.direct import chat_open_direct
from apps.chats.services.groups import group_create
from apps.chats.services.participants import (
    participant_remove,
    participant_set_role,
    participants_add,
)
from apps.messages.services.send import SendRequest, Sent, messages_send
from messenger.core.errors import NotFound

FAST = 4  # savepoint, lock and marks, write, release
COMPUTED = FAST + 3  # and the standings, the receipts' lock, the marks


@pytest.fixture
def chat(alice, bob) -> Chat:
    """The direct chat of alice and bob."""
    return chat_open_direct(actor_id=alice.id, user_id=bob.id)[0]


@pytest.fixture
def group(alice, bob) -> Chat:
    """Alice's group with bob."""
    return group_create(actor_id=alice.id, title="Two", member_ids=[bob.id])


def send(user, chat):
    (outcome,) = messages_send([SendRequest(user.id, chat.id, uuid4(), "hello")])
    return outcome


def row(user, chat) -> Participant:
    return Participant.objects.get(chat=chat, user=user)


def change(user, chat, **fields) -> None:
    Participant.objects.filter(chat=chat, user=user).update(**fields)


def test_missing_mark_is_computed_once(alice, chat, django_assert_num_queries):
    assert row(alice, chat).may_post is None
    with django_assert_num_queries(COMPUTED):
        assert isinstance(send(alice, chat), Sent)
    assert row(alice, chat).may_post is True
    with django_assert_num_queries(FAST):
        assert isinstance(send(alice, chat), Sent)


def test_mark_of_an_earlier_authority_rev_is_stale(alice, chat, django_assert_num_queries):
    send(alice, chat)
    Chat.objects.filter(pk=chat.pk).update(authority_rev=F("authority_rev") + 1)
    with django_assert_num_queries(COMPUTED):
        send(alice, chat)
    assert row(alice, chat).authority_rev == 1


def test_stale_true_mark_does_not_let_a_blocked_person_post(alice, bob, chat):
    send(bob, chat)
    Participant.objects.filter(chat=chat, user=bob).update(is_blocked=True)
    Chat.objects.filter(pk=chat.pk).update(authority_rev=1)
    assert isinstance(send(bob, chat), NotAcceptingMessages)
    assert row(bob, chat).may_post is False


def test_mark_holds_until_its_end_and_is_computed_afterwards(alice, chat):
    send(alice, chat)
    now = timezone.now()
    change(alice, chat, may_post_until=now + timedelta(hours=1), is_blocked=True)
    assert isinstance(send(alice, chat), Sent)  # sending asks the mark, not the facts behind it
    change(alice, chat, may_post_until=now - timedelta(seconds=1))
    assert isinstance(send(alice, chat), NotAcceptingMessages)
    assert (row(alice, chat).may_post, row(alice, chat).may_post_until) == (False, None)


def test_false_mark_that_no_longer_holds_is_computed(alice, chat):
    change(alice, chat, may_post=False)
    assert isinstance(send(alice, chat), Sent)
    assert row(alice, chat).may_post is True


def test_false_mark_that_holds_is_not_written_again(alice, bob, chat, django_assert_num_queries):
    user_block(actor_id=alice.id, user_id=bob.id)
    send(bob, chat)
    with django_assert_num_queries(5):  # savepoint, lock and marks, standings, retries, release
        assert isinstance(send(bob, chat), NotAcceptingMessages)


def test_blocks_take_effect_on_both_sides_marks(alice, bob, chat):
    assert [send(one, chat).duplicate for one in (alice, bob)] == [False, False]
    user_block(actor_id=alice.id, user_id=bob.id)
    assert [send(one, chat).code for one in (alice, bob)] == [
        "person_blocked",
        "not_accepting_messages",
    ]
    user_unblock(actor_id=alice.id, user_id=bob.id)
    assert [send(one, chat).duplicate for one in (alice, bob)] == [False, False]


def test_leaver_cannot_post_with_an_old_mark_and_returns_without_one(alice, bob, group):
    send(bob, group)
    participant_remove(actor_id=bob.id, chat_id=group.id, user_id=bob.id)
    assert row(bob, group).may_post is True
    assert isinstance(send(bob, group), NotFound)
    participants_add(actor_id=alice.id, chat_id=group.id, user_ids=[bob.id])
    assert row(bob, group).may_post is None
    assert isinstance(send(bob, group), Sent)


def test_changed_role_removes_the_mark(alice, bob, group):
    send(bob, group)
    participant_set_role(actor_id=alice.id, chat_id=group.id, user_id=bob.id, role="admin")
    assert row(bob, group).may_post is None


def test_one_batch_computes_the_marks_of_all_its_senders(
    alice, bob, chat, group, django_assert_num_queries
):
    batch = [
        SendRequest(one.id, room.id, uuid4(), "x") for room in (chat, group) for one in (alice, bob)
    ]
    with django_assert_num_queries(COMPUTED):
        assert all(isinstance(one, Sent) for one in messages_send(batch))
    assert Participant.objects.filter(may_post=True).count() == 4
