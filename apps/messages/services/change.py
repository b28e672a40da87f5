"""Changing what was said: editing keeps the earlier text, deleting leaves a tombstone."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.accounts.services.notifications import notifications_forget
from apps.chats.models import Chat
from apps.chats.rules import refusal_to_write
from apps.messages import errors, events, rules, selectors
from apps.messages.models import Message, MessageEdit
from apps.messages.services import frames
from apps.messages.services.mentions import mentions_in
from messenger.core import live
from messenger.core.events import emit


@transaction.atomic
def message_edit(
    *, actor_id: UUID, message_id: UUID, text: str, connection_id: str = ""
) -> Message:
    """Give one's own message a new text; the same text again changes nothing.

    Raises `NotFound`, `NotAuthor`, `MessageDeleted`, `EditWindowOver`, and as sending does where
    one of a direct chat has blocked the other.
    """
    message, chat, mine = selectors.access_message(actor_id, message_id, lock=True)
    now = timezone.now()
    if message.sender_id != actor_id:
        raise errors.NotAuthor
    if message.deleted_at:
        raise errors.MessageDeleted
    if refusal := refusal_to_write(mine.has_blocked, mine.is_blocked):
        raise refusal
    if message.text == text:
        return message
    if not rules.is_editable_at(message, now):
        raise errors.EditWindowOver
    MessageEdit.objects.create(message=message, text=message.text, replaced_at=now)
    message.text, message.edited_at = text, now
    message.mentions = mentions_in(chat.id, text)
    _store(message, chat, now, "text", "edited_at", "mentions")
    emit(
        events.MessageEdited(
            chat_id=chat.id,
            message_id=message.id,
            seq=message.seq,
            rev=message.rev,
            text=text,
            mentions=message.mentions,
            edited_at=now,
        ),
        actor_id=actor_id,
    )
    live.push([frames.changed(message, chat, connection_id)])
    return message


@transaction.atomic
def message_delete(*, actor_id: UUID, message_id: UUID, connection_id: str = "") -> Message:
    """Delete for everyone: the text and its history go, `seq` stays. Twice is once.

    Raises `NotFound`, and `NotAuthor` unless the actor wrote it or is an admin of the group.
    """
    message, chat, mine = selectors.access_message(actor_id, message_id, lock=True)
    if not rules.can_delete(chat, mine, message):
        raise errors.NotAuthor
    if message.deleted_at:
        return message
    now = timezone.now()
    MessageEdit.objects.filter(message=message).delete()
    notifications_forget(user_ids=message.mentions, subject=message.id)
    message.text, message.deleted_at, message.mentions = "", now, []
    _store(message, chat, now, "text", "deleted_at", "mentions")
    emit(
        events.MessageDeleted(
            chat_id=chat.id,
            message_id=message.id,
            seq=message.seq,
            rev=message.rev,
            deleted_at=now,
        ),
        actor_id=actor_id,
    )
    live.push([frames.changed(message, chat, connection_id)])
    return message


def _store(message: Message, chat: Chat, now: datetime, *fields: str) -> None:
    """Save the change under the chat's next `rev`; the caller holds the chat's row."""
    chat.last_rev += 1
    chat.save(update_fields=["last_rev"])
    message.rev, message.updated_at = chat.last_rev, now
    message.save(update_fields=["rev", "updated_at", *fields])
