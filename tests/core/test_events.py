"""Domain events: reactions run inside the transaction of the event."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import transaction

from apps.accounts.events import UserDeleted
from apps.accounts.models import Block
from apps.messages.events import MessageRead, MessageSent
from messenger.core import events
from messenger.core.models import OutboxEvent


@pytest.fixture
def no_reactions(monkeypatch):
    """Replace the registrations of the apps for one test."""
    monkeypatch.setattr(events, "_reactions", {})


def test_reaction_gets_event_and_actor_once(db, no_reactions):
    seen = []

    def handler(event, actor_id):
        seen.append((event, actor_id, transaction.get_connection().in_atomic_block))

    events.react(UserDeleted, handler)
    events.react(UserDeleted, handler)
    event, actor_id = UserDeleted(user_id=uuid4()), uuid4()
    events.emit(event, actor_id=actor_id)
    assert seen == [(event, actor_id, True)]


@pytest.mark.django_db(transaction=True)
def test_failing_reaction_rolls_back_event_and_writes(alice, bob, no_reactions):
    def refuse(event, actor_id):
        raise RuntimeError("no")

    events.react(UserDeleted, refuse)

    @transaction.atomic
    def block_and_emit():
        Block.objects.create(blocker=alice, blocked=bob)
        events.emit(UserDeleted(user_id=alice.id), actor_id=None)

    with pytest.raises(RuntimeError, match="no"):
        block_and_emit()
    assert not Block.objects.exists()
    assert not OutboxEvent.objects.filter(event_type="user.deleted").exists()


@pytest.mark.parametrize("event_class", [MessageSent, MessageRead])
def test_event_written_in_sql_cannot_have_reactions(event_class, no_reactions):
    with pytest.raises(TypeError, match="written in SQL"):
        events.react(event_class, print)
