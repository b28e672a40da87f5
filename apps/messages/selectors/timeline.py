"""Reading one chat's messages by their `seq`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils import timezone

from apps.chats.models import Participant
from apps.chats.rules import Standing
from apps.chats.selectors import access_chat, standing_of
from apps.messages.models import Message, MessageEdit
from apps.messages.rules import MessageAction, message_refusal_to
from apps.messages.serializers import TimelineQuery, message_out
from messenger.core.errors import NotFound

HISTORY_LIMIT = 100


@dataclass(frozen=True, slots=True)
class SeenMessage:
    """A message with the standing, in its chat, of the person who asked for it."""

    message: Message
    standing: Standing


def access_message(
    user_id: UUID,
    message_id: UUID,
    action: MessageAction = MessageAction.READ,
    *,
    lock: bool = False,
) -> SeenMessage:
    """A message to which the person may do `action`; raises the refusal, else `NotFound`.

    With `lock` the chat's row is held, so the message cannot change until the end of the
    transaction.
    """
    found = find_message(user_id, message_id, lock=lock)
    refusal = message_refusal_to(action, found.message, found.standing, timezone.now())
    if refusal is not None:
        raise refusal
    return found


def find_message(user_id: UUID, message_id: UUID, *, lock: bool = False) -> SeenMessage:
    """A message and the person's standing, before any policy was asked. Raises `NotFound`."""
    chat_id = Message.objects.filter(pk=message_id).values_list("chat_id", flat=True).first()
    if chat_id is None:
        raise NotFound
    standing = standing_of(user_id, chat_id, lock=lock)
    message = Message.objects.filter(pk=message_id).first()  # it may have changed before the lock
    if message is None:
        raise NotFound
    return SeenMessage(message, standing)


def messages_by_id(message_ids: Iterable[UUID]) -> list[Message]:
    """Messages by id, without a check of rights: that is the calling service's."""
    return list(Message.objects.filter(pk__in=list(message_ids)))


def timeline_for(user_id: UUID, query: TimelineQuery) -> dict[str, Any]:
    """A `TimelineOut`: the window that `query` asks for, oldest first, in two queries.

    `seq` has no gaps, so whether there is more needs no counting.
    """
    standing = access_chat(user_id, query.chat_id)
    chat, floor = standing.chat, standing.hidden_seq
    low, high = _window(query, floor, chat.last_seq)
    rows = Message.objects.filter(chat_id=chat.id, seq__gt=low, seq__lte=high).order_by("seq")
    return {
        "items": [message_out(row) for row in rows],
        "has_more_before": low > floor,
        "has_more_after": high < chat.last_seq,
    }


def _window(query: TimelineQuery, floor: int, top: int) -> tuple[int, int]:
    """The half-open range (low, high] of `seq`, within the visible and existing messages."""
    if query.after_seq is not None:
        low = min(max(query.after_seq, floor), top)
        return low, min(low + query.limit, top)
    if query.around_seq is not None:
        high = min(max(query.around_seq, floor) + query.limit // 2, top)
    elif query.before_seq is not None:
        high = min(query.before_seq - 1, top)
    else:
        high = top
    high = max(high, floor)
    return max(high - query.limit, floor), high


def history_for(user_id: UUID, message_id: UUID) -> dict[str, Any]:
    """A `HistoryOut`: the newest 100 texts that the message had before, oldest first."""
    message = access_message(user_id, message_id).message
    edits = MessageEdit.objects.filter(message=message).order_by("-id")[:HISTORY_LIMIT]
    texts = [{"text": edit.text, "replaced_at": edit.replaced_at} for edit in edits]
    return {"items": texts[::-1]}


def receipts_for(user_id: UUID, message_id: UUID) -> dict[str, Any]:
    """A `ReceiptsOut`: who received it and who read it, from the participants' cursors."""
    message = access_message(user_id, message_id).message
    participants = Participant.objects.active().filter(chat=message.chat_id)
    others = participants.exclude(user=message.sender_id)
    rows = others.filter(hidden_seq__lt=message.seq).order_by("id")
    return {
        "items": [
            {
                "user_id": row.user_id,
                "delivered_at": row.delivered_at if row.delivered_seq >= message.seq else None,
                "read_at": row.read_at if row.read_seq >= message.seq else None,
            }
            for row in rows
        ]
    }
