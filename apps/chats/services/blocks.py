"""Blocking people: nobody writes in the direct chat of the two; groups in common go on."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from apps.accounts.selectors import access_person
from apps.accounts.services.blocks import block_add, block_remove
from apps.chats import selectors
from apps.chats.models import Participant
from apps.chats.services import frames
from messenger.core import live
from messenger.core.errors import InvalidInput


@transaction.atomic
def user_block(*, actor_id: UUID, user_id: UUID) -> None:
    """Want nothing more from a person, from this moment on; twice is once.

    Raises `PersonNotFound`, and `InvalidInput` for oneself.
    """
    if actor_id == user_id:
        raise InvalidInput("Nobody can block themselves.")
    access_person(actor_id, user_id)
    selectors.lock_pair(actor_id, user_id)
    if block_add(actor_id=actor_id, user_id=user_id):
        _mark_direct_chat(actor_id, user_id, is_on=True)


@transaction.atomic
def user_unblock(*, actor_id: UUID, user_id: UUID) -> None:
    """Take a block back; without one nothing changes. Raises `PersonNotFound`."""
    access_person(actor_id, user_id)
    selectors.lock_pair(actor_id, user_id)
    if block_remove(actor_id=actor_id, user_id=user_id):
        _mark_direct_chat(actor_id, user_id, is_on=False)


def _mark_direct_chat(actor_id: UUID, user_id: UUID, *, is_on: bool) -> None:
    """Under the chat's lock: a message is either written before the block or refused."""
    chat = selectors.direct_chat_between(actor_id, user_id, lock=True)
    if chat is None:
        return
    Participant.objects.filter(chat=chat, user_id=actor_id).update(has_blocked=is_on)
    Participant.objects.filter(chat=chat, user_id=user_id).update(is_blocked=is_on)
    live.push([frames.chat_updated_for(chat, actor_id)])  # only for who did it
