"""Typing: sent at once to the other participants, within its rate limit."""

from __future__ import annotations

from uuid import uuid4

import pytest

from apps.accounts.services.blocks import user_block, user_unblock
from apps.chats.services.groups import group_create
from apps.messages.models import Message
from messenger.core.models import OutboxEvent
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.redis
def test_typing_is_sent_to_other_participants_only(alice, bob, charlie, chat, join):
    here, own, there, outside = join(alice), join(alice, at=1), join(bob, at=1), join(charlie)
    before = OutboxEvent.objects.count()
    here.send("typing", chat_id=chat.id, ref="t")
    assert there.wait("typing", timeout=2) == {
        "type": "typing",
        "chat_id": str(chat.id),
        "user_id": str(alice.id),
    }
    for socket in (here, own, there, outside):
        assert socket.frames_until_answer() == []
    assert (Message.objects.count(), OutboxEvent.objects.count()) == (0, before)


@pytest.mark.redis
def test_typing_over_the_rate_limit_is_ignored_on_every_process(alice, bob, chat, join):
    here, elsewhere, there = join(alice), join(alice, at=1), join(bob)
    for _ in range(5):
        here.send("typing", chat_id=chat.id)
        elsewhere.send("typing", chat_id=chat.id)
    assert here.frames_until_answer() == []
    elsewhere.say(chat.id, "marker")
    frames = there.frames_until("message", text="marker")
    assert [frame["type"] for frame in frames] == ["typing"]
    here.wait("message", text="marker")
    here.send("typing", chat_id=group_create(actor_id=alice.id, title="G", member_ids=[bob.id]).id)
    assert there.wait("typing", timeout=2)


def test_typing_in_a_foreign_chat_is_not_found(alice, charlie, chat, join):
    here, outside = join(alice), join(charlie)
    for chat_id in (chat.id, uuid4()):
        assert outside.ask("typing", chat_id=chat_id)["code"] == "not_found"
    assert here.frames_until_answer() == []


@pytest.mark.redis
def test_block_hides_typing_in_the_direct_chat_and_from_the_blocked_in_groups(
    alice, bob, chat, join
):
    group = group_create(actor_id=alice.id, title="Both", member_ids=[bob.id])
    here, there = join(alice), join(bob, at=1)
    user_block(actor_id=alice.id, user_id=bob.id)
    here.wait("chat_updated")
    for socket in (here, there):
        socket.send("typing", chat_id=chat.id)
    here.send("typing", chat_id=group.id)
    here.frames_until_answer()
    here.say(group.id, "marker")
    assert there.frames_until("message", text="marker") == []
    there.send("typing", chat_id=group.id)
    assert here.frames_until("typing", timeout=2, chat_id=group.id, user_id=bob.id) == []
    user_unblock(actor_id=alice.id, user_id=bob.id)


def test_large_group_gets_no_typing(alice, bob, join, settings):
    members = [UserFactory().id for _ in range(settings.RECEIPTS_LIVE_LIMIT)]
    crowd = group_create(actor_id=alice.id, title="Crowd", member_ids=[bob.id, *members])
    here, there = join(alice), join(bob)
    here.send("typing", chat_id=crowd.id)
    here.frames_until_answer()
    assert there.frames_until_answer() == []
