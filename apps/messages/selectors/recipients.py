"""New messages, and the participants who may have to be notified of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from uuid import UUID

from django.db import connection
from django.db.models import F, Q, QuerySet

from apps.chats.models import Participant
from apps.messages.rules import NewMessage


def new_messages_in(event_ids: Sequence[int]) -> list[NewMessage]:
    """The messages of these `message.sent` and `message.edited` events, in their chats' order.

    Messages deleted since then are left out. One statement.
    """
    return _new_messages(IN_EVENTS, list(event_ids))


def new_messages_by_id(message_ids: Iterable[UUID]) -> list[NewMessage]:
    """The same, by the messages' ids."""
    return _new_messages(BY_ID, list(message_ids))


def _new_messages(which: str, ids: list[int] | list[UUID]) -> list[NewMessage]:
    with connection.cursor() as cursor:
        cursor.execute(which + NEW_MESSAGES, [ids])
        return [NewMessage(*row) for row in cursor.fetchall()]


IN_EVENTS = """
WITH asked AS (
  SELECT DISTINCT coalesce(payload->>'message_id', payload->>'id')::uuid AS id
  FROM core_outboxevent WHERE id = ANY(%s)
)
"""
BY_ID = "WITH asked AS (SELECT unnest(%s::uuid[]) AS id)"
NEW_MESSAGES = """
SELECT m.id, m.chat_id, m.seq, m.sender_id, m.mentions, c.participant_count
FROM asked JOIN messaging_message m USING (id) JOIN chats_chat c ON c.id = m.chat_id
WHERE m.deleted_at IS NULL ORDER BY m.chat_id, m.seq
"""


def notification_recipients(
    messages: Sequence[NewMessage], *, chunk: tuple[int, int] | None = None
) -> QuerySet[Participant]:
    """Participants without the latest messages of these chats, or mentioned and behind in reading.

    `chunk` limits a large chat to participants whose primary key lies in that range, both ends
    included. One query.
    """
    chat_ids = {one.chat_id for one in messages}
    named = {user_id for one in messages for user_id in one.mentions}
    behind = Q(delivered_seq__lt=F("chat__last_seq"))
    if named:
        behind |= Q(user_id__in=named, read_seq__lt=F("chat__last_seq"))
    rows = Participant.objects.active().filter(behind, chat_id__in=chat_ids)
    rows = rows.exclude(notify=Participant.Notify.NONE).defer("draft")
    return rows if chunk is None else rows.filter(pk__range=chunk)


def participant_chunks(chat_id: UUID, size: int) -> Iterator[tuple[int, int]]:
    """The chat's participants in chunks of `size`: first and last primary key of each."""
    rows = Participant.objects.active().filter(chat_id=chat_id).order_by("pk")
    numbers = list(rows.values_list("pk", flat=True))
    starts = numbers[::size]
    for start, end in pairwise([*starts, (numbers or [0])[-1] + 1]):
        yield start, end - 1
