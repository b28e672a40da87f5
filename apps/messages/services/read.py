"""Receipts: cursors that say how far each participant has got, moved in batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from apps.accounts.services.notifications import notifications_clear
from apps.chats.selectors import lock_news
from apps.messages.events import CursorMoved, MessageDelivered, MessageRead
from apps.messages.services import frames
from messenger.core import live
from messenger.core.errors import DomainError, NotFound
from messenger.core.events import event_metadata, outbox_written
from messenger.core.ids import new_id
from messenger.core.json import dumps

KINDS = ("delivered", "read")


@dataclass(frozen=True, slots=True)
class CursorMove:
    """Everything up to the two `seq`s has reached, and been read by, one person; 0 says nothing.

    What is read has been delivered; beyond the chat's end means its end.
    """

    user_id: UUID
    chat_id: UUID
    delivered_seq: int = 0
    read_seq: int = 0


@dataclass(slots=True)
class _Moved:
    chat_id: UUID
    user_id: UUID
    old: tuple[int, int]
    new: tuple[int, int]
    participant_count: int
    members_rev: int


def messages_read(*, actor_id: UUID, chat_id: UUID, seq: int) -> None:
    """Mark everything up to `seq` as read. Raises `NotFound`."""
    (outcome,) = cursors_move([CursorMove(actor_id, chat_id, seq, seq)])
    if outcome is not None:
        raise outcome


@transaction.atomic
def cursors_move(moves: Sequence[CursorMove]) -> list[DomainError | None]:
    """Move cursors forward, never back; tell the chats after the commit.

    Returns for each move None or `NotFound`. A constant number of statements. The cursors of one
    who has blocked the other of a direct chat stand still: they would tell when one is here.
    """
    wanted = _merge(moves)
    # Two people passing the same message at once must see each other, or neither would complete it.
    lock_news({chat_id for chat_id, _ in wanted})
    with connection.cursor() as cursor:
        cursor.execute(LOAD, [[c for c, _ in wanted], [u for _, u in wanted]])
        rows = {(row[0], row[1]): row[2:] for row in cursor.fetchall()}
        moved = [
            step for key, row in rows.items() if (step := _step(key, wanted[key], row)) is not None
        ]
        if moved:
            cursor.execute("SELECT clock_timestamp()")
            _store(cursor, moved, cursor.fetchone()[0])
    return [None if (move.chat_id, move.user_id) in rows else NotFound() for move in moves]


@transaction.atomic
def receipts_complete(lows: Mapping[UUID, tuple[int, int]]) -> None:
    """Give messages the times that only those who left a chat were holding up.

    `lows` are the leavers' lowest `delivered_seq` and `read_seq` by chat; up to there they held up
    nothing. Run again it changes nothing. A constant number of statements.
    """
    if not lows:
        return
    lock_news(lows)
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now = cursor.fetchone()[0]
        for index, kind in enumerate(KINDS):
            _complete(cursor, kind, {chat: low[index] for chat, low in lows.items()}, now)


def _merge(moves: Sequence[CursorMove]) -> dict[tuple[UUID, UUID], tuple[int, int]]:
    wanted: dict[tuple[UUID, UUID], tuple[int, int]] = {}
    for move in moves:
        key = (move.chat_id, move.user_id)
        delivered, read = wanted.get(key, (0, 0))
        wanted[key] = (
            max(delivered, move.delivered_seq, move.read_seq),
            max(read, move.read_seq),
        )
    return wanted


def _step(
    key: tuple[UUID, UUID], wanted: tuple[int, int], row: tuple[int, int, int, int, int, bool]
) -> _Moved | None:
    delivered, read, last_seq, participant_count, members_rev, has_blocked = row
    new = (max(delivered, min(wanted[0], last_seq)), max(read, min(wanted[1], last_seq)))
    if has_blocked or new == (delivered, read):
        return None
    return _Moved(*key, (delivered, read), new, participant_count, members_rev)


def _store(cursor: Any, moved: list[_Moved], now: datetime) -> None:
    cursor.execute(
        MOVE,
        {
            "chats": [one.chat_id for one in moved],
            "users": [one.user_id for one in moved],
            "delivered": [one.new[0] for one in moved],
            "read": [one.new[1] for one in moved],
            "now": now,
        },
    )
    for index, kind in enumerate(KINDS):
        lows: dict[UUID, int] = {}
        for one in moved:
            if one.new[index] > one.old[index]:
                lows[one.chat_id] = min(lows.get(one.chat_id, one.old[index]), one.old[index])
        if lows:
            _complete(cursor, kind, lows, now)
    read = [one for one in moved if one.new[1] > one.old[1]]
    if read:
        notifications_clear((one.user_id, one.chat_id, one.new[1]) for one in read)
    _tell(cursor, moved, now)


def _complete(cursor: Any, kind: str, lows: Mapping[UUID, int], now: datetime) -> None:
    chats = sorted(lows)
    parameters = {"chats": chats, "lows": [lows[chat] for chat in chats], "now": now}
    cursor.execute(COMPLETE.format(kind=kind), parameters)


def _tell(cursor: Any, moved: list[_Moved], now: datetime) -> None:
    facts: list[CursorMoved] = []
    for one in moved:
        for index, event in enumerate((MessageDelivered, MessageRead)):
            if one.new[index] > one.old[index]:
                facts.append(
                    event(
                        chat_id=one.chat_id,
                        user_id=one.user_id,
                        from_seq=one.old[index] + 1,
                        to_seq=one.new[index],
                        at=now,
                    )
                )
    cursor.execute(
        TELL,
        {
            "event_id": [new_id() for _ in facts],
            "event_type": [fact.event_type for fact in facts],
            "topic": [fact.topic for fact in facts],
            "aggregate_id": [fact.aggregate_id for fact in facts],
            "payload": [dumps(fact.model_dump()) for fact in facts],
            "metadata": [dumps(event_metadata(fact.user_id)) for fact in facts],
            "now": now,
        },
    )
    outbox_written()
    live.push(
        frames.receipt(one.chat_id, one.user_id, one.new, now, one.members_rev)
        for one in moved
        # In a crowd, everybody's receipts for everybody would be the square of its size.
        if one.participant_count <= settings.RECEIPTS_LIVE_LIMIT
    )


LOAD = """
SELECT p.chat_id, p.user_id, p.delivered_seq, p.read_seq, c.last_seq, c.participant_count,
  c.members_rev, p.has_blocked
FROM unnest(%s::uuid[], %s::uuid[]) AS q(chat_id, user_id)
JOIN chats_participant p USING (chat_id, user_id)
JOIN chats_chat c ON c.id = p.chat_id
WHERE p.left_at IS NULL
"""

MOVE = """
UPDATE chats_participant p
SET delivered_seq = q.delivered, read_seq = q.read,
    delivered_at = CASE WHEN q.delivered > p.delivered_seq THEN %(now)s ELSE p.delivered_at END,
    read_at = CASE WHEN q.read > p.read_seq THEN %(now)s ELSE p.read_at END
FROM unnest(%(chats)s::uuid[], %(users)s::uuid[], %(delivered)s::bigint[], %(read)s::bigint[])
  AS q(chat_id, user_id, delivered, read)
WHERE p.chat_id = q.chat_id AND p.user_id = q.user_id
"""

# A message is complete when everybody but its sender has passed it. Per chat the two lowest
# cursors decide: the lowest for everybody's messages, the second for the laggard's own.
COMPLETE = """
WITH ranked AS (
  SELECT p.chat_id, p.user_id, p.{kind}_seq AS seq,
         row_number() OVER (PARTITION BY p.chat_id ORDER BY p.{kind}_seq, p.user_id) AS place
  FROM chats_participant p
  WHERE p.chat_id = ANY(%(chats)s::uuid[]) AND p.left_at IS NULL
), floors AS (
  SELECT one.chat_id, one.user_id AS laggard, one.seq AS lowest, coalesce(two.seq, 0) AS second
  FROM ranked one LEFT JOIN ranked two ON two.chat_id = one.chat_id AND two.place = 2
  WHERE one.place = 1
), complete AS (
  SELECT m.id FROM unnest(%(chats)s::uuid[], %(lows)s::bigint[]) AS q(chat_id, low)
  JOIN floors f ON f.chat_id = q.chat_id
  JOIN messaging_message m ON m.chat_id = q.chat_id AND m.seq > q.low
    AND m.seq <= greatest(f.lowest, f.second)
    AND m.seq <= CASE WHEN m.sender_id = f.laggard THEN f.second ELSE f.lowest END
  WHERE m.{kind}_at IS NULL
  ORDER BY m.chat_id, m.seq FOR NO KEY UPDATE OF m
)
UPDATE messaging_message m SET {kind}_at = %(now)s FROM complete WHERE m.id = complete.id
"""

TELL = """
INSERT INTO core_outboxevent
  (event_id, event_type, topic, aggregate_id, payload, metadata, created_at)
SELECT event_id, event_type, topic, aggregate_id, payload, metadata, %(now)s
FROM unnest(%(event_id)s::uuid[], %(event_type)s::text[], %(topic)s::text[],
            %(aggregate_id)s::uuid[], %(payload)s::jsonb[], %(metadata)s::jsonb[])
  WITH ORDINALITY AS new(event_id, event_type, topic, aggregate_id, payload, metadata, n)
ORDER BY n
"""
