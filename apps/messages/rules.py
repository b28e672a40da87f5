"""What a person may do with a message, and what they are notified of."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from apps.chats.models import Participant
from apps.chats.rules import Action, Standing, is_muted, refusal_to
from apps.messages import errors
from apps.messages.models import Message
from messenger.core.errors import Conflict, DomainError, Forbidden, NotFound
from messenger.core.text_patterns import MENTION

NAMES_LIMIT = 50  # people that one message can name


def names_in(text: str) -> list[str]:
    """The distinct `@names` in a text, in lower case. Templates and scripts use the same pattern.

    A dot may belong to a name or end a sentence, so a name before a dot is returned both ways.
    """
    found: dict[str, None] = {}
    for match in MENTION.finditer(text) if "@" in text else ():
        name = match[1].lower()
        found |= {name: None, name.rstrip("."): None}
        if len(found) >= NAMES_LIMIT:
            break
    return list(found)[:NAMES_LIMIT]


class MessageAction(enum.Enum):
    """What somebody may want to do with one message."""

    READ = "read"
    EDIT = "edit"
    DELETE = "delete"  # for everyone


@dataclass(frozen=True, slots=True)
class MessageRequest:
    """What a condition looks at: the message, the person's standing in its chat, and the time."""

    message: Message
    standing: Standing
    now: datetime


MessageCondition = Callable[[MessageRequest], DomainError | None]


def reads_chat(request: MessageRequest) -> DomainError | None:
    """The chat's policy lets the person read."""
    return refusal_to(Action.READ, request.standing)


def sees_message(request: MessageRequest) -> DomainError | None:
    """Newcomers see messages sent after they joined, or all where the chat shares its history."""
    return None if request.message.seq > request.standing.hidden_seq else NotFound()


def is_author(request: MessageRequest) -> DomainError | None:
    """The person wrote the message."""
    return None if _is_author(request) else errors.NotAuthor()


def is_not_deleted(request: MessageRequest) -> DomainError | None:
    """There is still a text to change."""
    return errors.MessageDeleted() if request.message.deleted_at else None


def edits_in_chat(request: MessageRequest) -> DomainError | None:
    """The chat's policy lets the person edit."""
    return refusal_to(Action.EDIT, request.standing)


def is_within_window(request: MessageRequest) -> DomainError | None:
    """Not older than `MESSAGE_EDIT_WINDOW` seconds."""
    age = request.now - request.message.created_at
    window = timedelta(seconds=settings.MESSAGE_EDIT_WINDOW)
    return None if age <= window else errors.EditWindowOver()


def deletes_in_chat(request: MessageRequest) -> DomainError | None:
    """The chat's policy lets the person delete the message: their own, or anybody's."""
    if _is_author(request):
        return refusal_to(Action.DELETE_OWN, request.standing)
    refusal = refusal_to(Action.DELETE_ANY, request.standing)
    # To people in the chat the reason is that they did not write it, not who administers it.
    return errors.NotAuthor() if isinstance(refusal, Forbidden | Conflict) else refusal


def _is_author(request: MessageRequest) -> bool:
    return request.message.sender_id == request.standing.user_id


# As in `apps.chats.rules`, the conditions of `READ` come before those of the other actions.
MESSAGE_POLICY: dict[MessageAction, Sequence[MessageCondition]] = {
    MessageAction.READ: (reads_chat, sees_message),
    MessageAction.EDIT: (is_author, is_not_deleted, edits_in_chat, is_within_window),
    MessageAction.DELETE: (deletes_in_chat,),
}


def message_refusal_to(
    action: MessageAction, message: Message, standing: Standing, now: datetime
) -> DomainError | None:
    """The first reason against `action` on the message; None where it is allowed."""
    request = MessageRequest(message, standing, now)
    reading = MESSAGE_POLICY[MessageAction.READ] if action is not MessageAction.READ else ()
    for condition in (*reading, *MESSAGE_POLICY[action]):
        refusal = condition(request)
        if refusal is not None:
            return refusal
    return None


@dataclass(frozen=True, slots=True)
class NewMessage:
    """The fields of a message that fan-out needs; `participants` is the size of its chat."""

    id: UUID
    chat_id: UUID
    seq: int
    sender_id: UUID
    mentions: Sequence[UUID]
    participants: int


@dataclass(frozen=True, slots=True)
class Notice:
    """A notification due to one person: of a `mention`, or of the newest of many `messages`."""

    kind: str
    message: NewMessage
    push: bool


def notices_for(
    row: Participant, messages: Sequence[NewMessage], *, is_connected: bool, now: datetime
) -> list[Notice]:
    """The notifications due to one participant for new messages of their chat, in its order.

    An unread mention always has one, unless the person has switched the chat's notifications off;
    other messages only while the person is offline and the chat is not muted. A muted chat pushes
    nothing to devices.
    """
    is_silent = is_muted(row.muted_until, now)
    found: list[Notice] = []
    newest: NewMessage | None = None
    for message in messages:
        if message.sender_id == row.user_id or message.seq <= row.hidden_seq:
            continue
        if row.user_id in message.mentions:
            if message.seq > row.read_seq and row.notify != Participant.Notify.NONE:
                found.append(Notice("mention", message, push=not (is_connected or is_silent)))
        elif message.seq > row.delivered_seq:
            newest = message
    wants_all = row.notify == Participant.Notify.ALL and not is_silent and not is_connected
    if newest is not None and wants_all:
        found.append(Notice("messages", newest, push=True))
    return found
