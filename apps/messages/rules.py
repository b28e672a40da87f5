"""Pure predicates on loaded messages."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

from apps.chats.models import Chat, Participant
from apps.chats.rules import is_admin
from apps.messages.models import Message


def is_visible(participant: Participant, seq: int) -> bool:
    """Newcomers see only what came after them, unless the chat shares its history."""
    return seq > participant.hidden_seq


def is_editable_at(message: Message, now: datetime) -> bool:
    """Within the window of `MESSAGE_EDIT_WINDOW` seconds."""
    return now - message.created_at <= timedelta(seconds=settings.MESSAGE_EDIT_WINDOW)


def can_delete(chat: Chat, participant: Participant, message: Message) -> bool:
    """Its author, or an admin of the group."""
    return message.sender_id == participant.user_id or (
        chat.kind == Chat.Kind.GROUP and is_admin(participant)
    )
