"""Receipts: each participant's cursors of delivered and read messages, moved in batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from apps.accounts.services.notifications import notifications_clear
from apps.chats.selectors import lock_receipts
from apps.messages.events import CursorMoved, MessageDelivered, MessageRead
from apps.messages.services import frames
from apps.messages.services.read_statements import COMPLETE, EMIT, KINDS, LOAD, MOVE
from messenger.core import live
from messenger.core.errors import DomainError, NotFound
from messenger.core.events import event_metadata, outbox_written
from messenger.core.ids import new_id
from messenger.core.json import dumps


@dataclass(frozen=True, slots=True)
class CursorMove:
    """Messages up to the two `seq`s were delivered to, and read by, one person; 0: no change.

    A read message counts as delivered. A `seq` beyond the chat's last one means the last one.
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
    """Move cursors forward, never back, and broadcast receipts after the commit.

    Returns for each move None, or `NotFound` where the person takes no part in the chat: only
    participants have cursors. In a direct chat the cursors of a person who has blocked the other
    stay, because receipts would show when that person is online. A constant number of statements.
    """
    wanted = _merge(moves)
    # Otherwise two people who pass a message at once would not see each other's cursor, and
    # neither would complete its receipts.
    lock_receipts({chat_id for chat_id, _ in wanted})
    with connection.cursor() as cursor:
        cursor.execute(LOAD, [[c for c, _ in wanted], [u for _, u in wanted]])
        rows = {(row[0], row[1]): _Row(*row[2:]) for row in cursor.fetchall()}
        moved = [
            step for key, row in rows.items() if (step := _step(key, wanted[key], row)) is not None
        ]
        if moved:
            cursor.execute("SELECT clock_timestamp()")
            _store(cursor, moved, cursor.fetchone()[0])
    return [None if (move.chat_id, move.user_id) in rows else NotFound() for move in moves]


@transaction.atomic
def receipts_complete(lows: Mapping[UUID, tuple[int, int]]) -> None:
    """Set `delivered_at` and `read_at` of messages that lacked only the receipts of leavers.

    `lows` are the leavers' lowest `delivered_seq` and `read_seq` by chat: messages up to there did
    not wait for them. Idempotent. A constant number of statements.
    """
    if not lows:
        return
    lock_receipts(lows)
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


class _Row(NamedTuple):
    """What `LOAD` reads of a participant and their chat."""

    delivered_seq: int
    read_seq: int
    last_seq: int
    participant_count: int
    members_rev: int
    has_blocked: bool


def _step(key: tuple[UUID, UUID], wanted: tuple[int, int], row: _Row) -> _Moved | None:
    old = (row.delivered_seq, row.read_seq)
    new = (max(old[0], min(wanted[0], row.last_seq)), max(old[1], min(wanted[1], row.last_seq)))
    if row.has_blocked or new == old:
        return None
    return _Moved(*key, old, new, row.participant_count, row.members_rev)


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
    _emit(cursor, moved, now)


def _complete(cursor: Any, kind: str, lows: Mapping[UUID, int], now: datetime) -> None:
    chats = sorted(lows)
    parameters = {"chats": chats, "lows": [lows[chat] for chat in chats], "now": now}
    cursor.execute(COMPLETE[kind], parameters)


def _emit(cursor: Any, moved: list[_Moved], now: datetime) -> None:
    """Write the events of the moved cursors in one statement, and broadcast the receipts."""
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
        EMIT,
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
        # In a large chat receipts of all to all would grow with the square of its size.
        if one.participant_count <= settings.RECEIPTS_LIVE_LIMIT
    )
