"""Pure predicates on loaded messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from apps.chats.models import Chat, Participant
from apps.chats.rules import is_admin, is_muted
from apps.messages.models import Message
from messenger.core.texts import MENTION

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


@dataclass(frozen=True, slots=True)
class NewMessage:
    """What fan-out must know of a message; `crowd` is how many take part in its chat."""

    id: UUID
    chat_id: UUID
    seq: int
    sender_id: UUID
    mentions: Sequence[UUID]
    crowd: int


@dataclass(frozen=True, slots=True)
class Notice:
    """That somebody is told of a message, as a `mention` or as the newest of many `messages`."""

    kind: str
    message: NewMessage
    push: bool


def notices_for(
    place: Participant, news: Sequence[NewMessage], *, is_connected: bool, now: datetime
) -> list[Notice]:
    """What one participant is told of the new messages of their chat, in the chat's order.

    A mention that is not read yet is always listed, unless the person wants nothing of the chat;
    other messages only while they are away and the chat is not silent. A silent chat pushes
    nothing.
    """
    is_silent = is_muted(place.muted_until, now)
    found: list[Notice] = []
    newest: NewMessage | None = None
    for message in news:
        if message.sender_id == place.user_id or message.seq <= place.hidden_seq:
            continue
        if place.user_id in message.mentions:
            if message.seq > place.read_seq and place.notify != Participant.Notify.NONE:
                found.append(Notice("mention", message, push=not (is_connected or is_silent)))
        elif message.seq > place.delivered_seq:
            newest = message
    wants_all = place.notify == Participant.Notify.ALL and not is_silent and not is_connected
    if newest is not None and wants_all:
        found.append(Notice("messages", newest, push=True))
    return found
