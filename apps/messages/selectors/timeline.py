"""One chat's messages, by key."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from apps.chats.models import Chat, Participant
from apps.chats.selectors import access_chat
from apps.messages.models import Message, MessageEdit
from apps.messages.rules import is_visible
from apps.messages.serializers import TimelineQuery, message_out
from messenger.core.errors import NotFound

HISTORY_LIMIT = 100


def access_message(
    user_id: UUID, message_id: UUID, *, lock: bool = False
) -> tuple[Message, Chat, Participant]:
    """A message that the asker can see, its chat and their place in it, or `NotFound`.

    With `lock` the chat's row is held, and so the message cannot change either.
    """
    chat_id = Message.objects.filter(pk=message_id).values_list("chat_id", flat=True).first()
    if chat_id is None:
        raise NotFound
    chat, mine = access_chat(user_id, chat_id, lock=lock)
    message = Message.objects.filter(pk=message_id).first()
    if message is None or not is_visible(mine, message.seq):
        raise NotFound
    return message, chat, mine


def messages_by_id(message_ids: Iterable[UUID]) -> list[Message]:
    """Messages whoever asks; for services that check rights themselves."""
    return list(Message.objects.filter(pk__in=list(message_ids)))


def timeline_for(user_id: UUID, query: TimelineQuery) -> dict[str, Any]:
    """A `TimelineOut`: the window that `query` asks for, oldest first, in two queries.

    `seq` has no gaps, so what lies before and after is known without counting.
    """
    chat, mine = access_chat(user_id, query.chat_id)
    low, high = _window(query, mine.hidden_seq, chat.last_seq)
    rows = Message.objects.filter(chat_id=chat.id, seq__gt=low, seq__lte=high).order_by("seq")
    return {
        "items": [message_out(row) for row in rows],
        "has_more_before": low > mine.hidden_seq,
        "has_more_after": high < chat.last_seq,
    }


def _window(query: TimelineQuery, floor: int, top: int) -> tuple[int, int]:
    """The half-open range (low, high] of `seq`, within what is visible and there."""
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
    message, _, _ = access_message(user_id, message_id)
    edits = MessageEdit.objects.filter(message=message).order_by("-id")[:HISTORY_LIMIT]
    texts = [{"text": edit.text, "replaced_at": edit.replaced_at} for edit in edits]
    return {"items": texts[::-1]}


def receipts_for(user_id: UUID, message_id: UUID) -> dict[str, Any]:
    """A `ReceiptsOut`: who has it and who read it, from the participants' cursors."""
    message, chat, _ = access_message(user_id, message_id)
    others = Participant.objects.filter(chat=chat, left_at=None).exclude(user=message.sender_id)
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
