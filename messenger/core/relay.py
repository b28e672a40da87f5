"""The outbox relay: what happened is told to the product's own followers and to the broker.

One turn takes a batch in the order of ids, in one transaction under an advisory lock: nobody else
relays meanwhile, and whatever dies gives the lock back. Rows are marked only after the broker has
confirmed them, so each is told at least once, and in order per aggregate.

Followers do not wait for the broker. While it is out, rows are marked as followed and stay; once it
is back they go first, since whatever they are about has nothing earlier waiting.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from celery import current_app
from django.db import connection, transaction
from redis.exceptions import RedisError

from messenger.core import metrics, poke
from messenger.core.brokers import BrokerUnavailable, Record, broker
from messenger.core.events import followers
from messenger.core.health import broker_seen
from messenger.core.logging import SERVICE

log = structlog.get_logger("messenger.outbox")
LOCK = 0x6F7574626F78  # "outbox"
BATCH = 1000
FOLLOW_CHUNK = 500
PASS_SECONDS = 30.0
# A batch that was not full is followed by a pause: many small batches cost a multiple of few.
PACE = 0.2
REST = 5.0  # seconds for which a broker that failed is left alone, while followers go on


@dataclass(slots=True)
class Row:
    """A waiting event: its id and type, and what the broker gets."""

    id: int
    event_type: str
    record: Record


@dataclass(slots=True)
class Rest:
    """Until when, by the monotonic clock, the broker is left alone."""

    until: float = 0.0

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self.until


rest = Rest()


@dataclass(slots=True)
class Turn:
    """What one turn has done."""

    rows: int = 0
    published: int = 0
    refused: int = 0
    is_full: bool = False
    is_busy: bool = False  # another relay is at work


def relay(*, seconds: float = PASS_SECONDS) -> bool:
    """Tell what waits, until nothing is left or the time is up; True where something may be left.

    Raises what the database raises, and kombu's `OperationalError` where the task queue is away:
    nothing is marked then that was not told.
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        _hold()
        turn = turn_make()
        if turn.is_busy:
            return False
        if turn.rows == 0:
            _release()
            # Whoever wrote since the look above saw the key, and has asked nobody.
            if not _waits():
                return False
        elif not turn.is_full:
            time.sleep(PACE)
    return True


def broker_check() -> None:
    """Ask the broker how it is, unless it has failed just now; for when nothing waits."""
    if not rest.is_over:
        return
    try:
        broker().ping()
    except BrokerUnavailable as error:
        log.warning("broker_unavailable", error=str(error))
        _note(is_up=False)
    else:
        _note(is_up=True)


@transaction.atomic
def turn_make() -> Turn:
    """Tell one batch. Raises as `relay` does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return Turn(is_busy=True)
        backlog = _rows(cursor, is_followed=True) if rest.is_over else []
        fresh = _rows(cursor, is_followed=False)
        _tell_followers(fresh)
        batch = backlog or fresh
        turn = Turn(rows=len(batch), is_full=max(len(backlog), len(fresh)) == BATCH)
        if batch and rest.is_over and _publish(cursor, batch, turn):
            fresh = fresh if backlog else []
        if fresh:
            cursor.execute(MARK_FOLLOWED, [_ids(fresh)])
    return turn


def _rows(cursor: Any, *, is_followed: bool) -> list[Row]:
    cursor.execute(SELECT, [SERVICE, is_followed, is_followed, BATCH])
    return [
        Row(
            number,
            event_type,
            Record(topic, key, f'{head},"payload":{payload},"metadata":{metadata}}}'.encode()),
        )
        for number, event_type, topic, key, head, payload, metadata in cursor.fetchall()
    ]


def _publish(cursor: Any, batch: Sequence[Row], turn: Turn) -> bool:
    try:
        refused = broker().publish([row.record for row in batch])
    except BrokerUnavailable as error:
        log.warning("broker_unavailable", error=str(error), waiting=len(batch))
        _note(is_up=False)
        return False
    for place, reason in refused.items():
        row = batch[place]
        log.error("event_refused", outbox_id=row.id, event_type=row.event_type, reason=reason)
        cursor.execute(MARK_REFUSED, [reason[:200], row.id])
    taken = [row for place, row in enumerate(batch) if place not in refused]
    cursor.execute(MARK_PUBLISHED, [_ids(taken)])
    turn.published, turn.refused = len(taken), len(refused)
    _note(is_up=True, published=len(taken))
    return True


def _note(*, is_up: bool, published: int = 0) -> None:
    """For whoever asks how the broker is, and how much it got."""
    if not is_up:
        rest.until = time.monotonic() + REST
    try:
        broker_seen(is_up=is_up)
        if published:
            metrics.relay_published(published)
    except RedisError:
        log.warning("relay_not_counted")


def _tell_followers(rows: Sequence[Row]) -> None:
    wanted: dict[str, list[int]] = {}
    for row in rows:
        for task in followers(row.event_type):
            wanted.setdefault(task, []).append(row.id)
    for task, ids in wanted.items():
        for start in range(0, len(ids), FOLLOW_CHUNK):
            chunk = ids[start : start + FOLLOW_CHUNK]
            current_app.send_task(task, [chunk], retry=False, ignore_result=True)


def _ids(rows: Sequence[Row]) -> str:
    """An array literal; psycopg's adaption of a list costs a multiple."""
    return "{" + ",".join(str(row.id) for row in rows) + "}"


def _waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(WAITS)
        return bool(cursor.fetchone()[0])


def _hold() -> None:
    try:
        poke.hold()
    except RedisError:
        log.warning("relay_not_announced")


def _release() -> None:
    try:
        poke.release()
    except RedisError:
        log.warning("relay_not_announced")


# The envelope but for its last brace; JSON is PostgreSQL's own text, never parsed here. A range of
# one value, since with `=` the order would be by id alone: the planner, told that most rows wait,
# then takes the primary key, and each turn walks over all that has been published.
SELECT = """
SELECT id, event_type, topic, aggregate_id::text,
  '{"event_id":"' || event_id || '","event_type":' || to_json(event_type)::text
  || ',"timestamp":"'
  || to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
  || '","service":"' || %s || '"',
  payload::text, metadata::text
FROM core_outboxevent
WHERE published_at IS NULL AND refusal = '' AND is_followed BETWEEN %s AND %s
ORDER BY is_followed, id LIMIT %s
"""

WAITS = """
SELECT (SELECT id FROM core_outboxevent
        WHERE published_at IS NULL AND refusal = '' AND is_followed BETWEEN false AND false
        ORDER BY is_followed, id LIMIT 1) IS NOT NULL
"""

MARK_FOLLOWED = "UPDATE core_outboxevent SET is_followed = true WHERE id = ANY(%s::bigint[])"

MARK_REFUSED = "UPDATE core_outboxevent SET refusal = %s, is_followed = true WHERE id = %s"

MARK_PUBLISHED = """
UPDATE core_outboxevent SET published_at = clock_timestamp(), is_followed = true
WHERE id = ANY(%s::bigint[])
"""
