"""Blocking people; apps above react to the events in the same transaction."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from apps.accounts.events import UserBlocked, UserUnblocked
from apps.accounts.models import Block
from apps.accounts.selectors import access_person, lock_pair
from apps.accounts.services.last_seen import presence_changed
from messenger.core import live
from messenger.core.errors import InvalidInput
from messenger.core.events import emit


@transaction.atomic
def user_block(*, actor_id: UUID, user_id: UUID) -> None:
    """Block a person: no messages from them, no presence for them. A second time changes nothing.

    Raises `PersonNotFound`, and `InvalidInput` for oneself.
    """
    if actor_id == user_id:
        raise InvalidInput("You cannot block yourself.")
    access_person(actor_id, user_id)
    lock_pair(actor_id, user_id)
    _, is_new = Block.objects.get_or_create(blocker_id=actor_id, blocked_id=user_id)
    if is_new:
        emit(UserBlocked(user_id=actor_id, blocked_id=user_id), actor_id=actor_id)
        live.push([presence_changed(actor_id)])


@transaction.atomic
def user_unblock(*, actor_id: UUID, user_id: UUID) -> None:
    """Remove a block; without one nothing changes. Raises `PersonNotFound`."""
    access_person(actor_id, user_id)
    lock_pair(actor_id, user_id)
    removed, _ = Block.objects.filter(blocker_id=actor_id, blocked_id=user_id).delete()
    if removed:
        emit(UserUnblocked(user_id=actor_id, blocked_id=user_id), actor_id=actor_id)
        live.push([presence_changed(actor_id)])
