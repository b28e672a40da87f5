"""Editing, which keeps the earlier text, and deleting, which leaves a tombstone."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.accounts.services.notifications import notifications_delete
from apps.chats.models import Chat
from apps.messages import errors, events, rules, selectors
from apps.messages.models import Message, MessageEdit
from apps.messages.rules import MessageAction
from apps.messages.services import frames
from apps.messages.services.mentions import mentions_in
from messenger.core import live
from messenger.core.events import emit


@transaction.atomic
def message_edit(
    *, actor_id: UUID, message_id: UUID, text: str, connection_id: str = ""
) -> Message:
    """Replace the text of one's own message; the same text again changes nothing.

    Raises the policy's refusal to `EDIT`.
    """
    found = selectors.find_message(actor_id, message_id, lock=True)
    message, chat, now = found.message, found.standing.chat, timezone.now()
    refusal = rules.message_refusal_to(MessageAction.EDIT, message, found.standing, now)
    # The retry of an edit that was stored in time is acknowledged even after the window.
    if message.text == text and isinstance(refusal, errors.EditWindowOver | None):
        return message
    if refusal is not None:
        raise refusal
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
    """Delete for everyone: the text and its history go, `seq` stays. Idempotent.

    Raises the policy's refusal to `DELETE`.
    """
    found = selectors.access_message(actor_id, message_id, MessageAction.DELETE, lock=True)
    message, chat = found.message, found.standing.chat
    if message.deleted_at:
        return message
    now = timezone.now()
    MessageEdit.objects.filter(message=message).delete()
    notifications_delete(user_ids=message.mentions, subject=message.id)
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
