"""Pure predicates on loaded messages."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from django.conf import settings

from apps.chats.models import Chat, Participant
from apps.chats.rules import is_admin
from apps.messages.models import Message

MENTION = re.compile(r"(?<![\w@./])@([A-Za-z][A-Za-z0-9_.]{2,31})(?![A-Za-z0-9_@])")
NAMES_LIMIT = 50  # people that one message can name


def names_in(text: str) -> list[str]:
    """What `@names` a text holds, in lower case, each once; templates and scripts look alike.

    A dot may belong to a name or end a sentence, so such a name stands there in both ways.
    """
    found: dict[str, None] = {}
    for match in MENTION.finditer(text) if "@" in text else ():
        name = match[1].lower()
        found |= {name: None, name.rstrip("."): None}
        if len(found) >= NAMES_LIMIT:
            break
    return list(found)[:NAMES_LIMIT]


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
