"""Blocks as such; what they do to chats is done in `apps.chats`, where people are blocked."""

from __future__ import annotations

from uuid import UUID

from apps.accounts.events import UserBlocked, UserUnblocked
from apps.accounts.models import Block
from apps.accounts.services.seen import presence_changed
from messenger.core import live
from messenger.core.events import emit


def block_add(*, actor_id: UUID, user_id: UUID) -> bool:
    """Note a block, inside a transaction; returns whether it is new."""
    _, is_new = Block.objects.get_or_create(blocker_id=actor_id, blocked_id=user_id)
    if is_new:
        emit(UserBlocked(user_id=actor_id, blocked_id=user_id), actor_id=actor_id)
        live.push([presence_changed(actor_id)])
    return is_new


def block_remove(*, actor_id: UUID, user_id: UUID) -> bool:
    """Take a block back, inside a transaction; returns whether there was one."""
    removed, _ = Block.objects.filter(blocker_id=actor_id, blocked_id=user_id).delete()
    if removed:
        emit(UserUnblocked(user_id=actor_id, blocked_id=user_id), actor_id=actor_id)
        live.push([presence_changed(actor_id)])
    return bool(removed)
