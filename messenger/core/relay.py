"""The outbox relay: enqueues the tasks that handle events, and publishes events to the broker.

It works in batches in the order of ids, each in one transaction under an advisory lock: only one
relay runs at a time, and PostgreSQL releases the lock of one that is killed. Rows are marked after
the broker has confirmed them, so delivery is at least once, and in order per aggregate.

Tasks do not wait for the broker. While it is unavailable, rows are marked as dispatched and stay
unpublished. Once it is back, that backlog is published before newer rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from celery import current_app
from django.db import connection, transaction
from redis.exceptions import RedisError

from messenger.core import metrics, relay_wakeup
from messenger.core.brokers import Broker, BrokerUnavailable, Record
from messenger.core.brokers import broker as configured_broker
from messenger.core.events import handlers as registered_handlers
from messenger.core.health import report_broker
from messenger.core.logging import SERVICE

log = structlog.get_logger("messenger.outbox")
LOCK = 0x6F7574626F78  # "outbox"
BATCH_SIZE = 1000  # rows
CHUNK_SIZE = 500  # outbox ids per task
RUN_SECONDS = 30.0
# Seconds after a batch that was not full: many small batches cost several times as much as few.
PAUSE = 0.2
BROKER_PAUSE = 5.0  # seconds without another attempt after the broker failed


@dataclass(slots=True)
class Row:
    """An outbox row that is not published yet: its id, its type, and the broker's record."""

    id: int
    event_type: str
    record: Record


@dataclass(slots=True)
class Batch:
    """What one batch did."""

    rows: int = 0
    published: int = 0
    refused: int = 0
    is_full: bool = False
    is_locked_out: bool = False  # another relay holds the lock


def enqueue_task(name: str, outbox_ids: list[int]) -> None:
    """Enqueue a task that handles events. Raises kombu's `OperationalError`."""
    current_app.send_task(name, [outbox_ids], retry=False, ignore_result=True)


class OutboxRelay:
    """Relays the outbox, and pauses publishing after the broker failed.

    Threads may share it: the lock in PostgreSQL lets one batch run at a time.
    """

    def __init__(
        self,
        *,
        broker: Callable[[], Broker] = configured_broker,
        handlers: Callable[[str], Sequence[str]] = registered_handlers,
        enqueue: Callable[[str, list[int]], None] = enqueue_task,
        batch_size: int = BATCH_SIZE,
        chunk_size: int = CHUNK_SIZE,
        pause: float = PAUSE,
    ) -> None:
        self._broker, self._handlers, self._enqueue = broker, handlers, enqueue
        self._batch_size, self._chunk_size, self._pause = batch_size, chunk_size, pause
        self.broker_retry_at = 0.0  # on the monotonic clock

    def run(self, *, seconds: float = RUN_SECONDS) -> bool:
        """Relay until nothing waits or the time is up; returns whether rows may still wait.

        Raises database errors, and kombu's `OperationalError` where the task queue is unavailable:
        the rows of that batch stay as they are.
        """
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            _renew_key()
            batch = self.run_batch()
            if batch.is_locked_out:
                return False
            if batch.rows == 0:
                _release_key()
                # A writer that committed after the batch saw the key and enqueued nothing.
                if not _has_undispatched():
                    return False
            elif not batch.is_full:
                time.sleep(self._pause)
        return True

    def check_broker(self) -> None:
        """Ask the broker for a sign of life, unless it has just failed. For an empty outbox."""
        if not self._may_try_broker():
            return
        try:
            self._broker().ping()
        except BrokerUnavailable as error:
            log.warning("broker_unavailable", error=str(error))
            self._note_broker(is_up=False)
        else:
            self._note_broker(is_up=True)

    @transaction.atomic
    def run_batch(self) -> Batch:
        """Relay one batch. Raises as `run` does."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
            if not cursor.fetchone()[0]:
                return Batch(is_locked_out=True)
            backlog = self._rows(cursor, is_dispatched=True) if self._may_try_broker() else []
            fresh = self._rows(cursor, is_dispatched=False)
            self._enqueue_handlers(fresh)
            rows = backlog or fresh
            batch = Batch(rows=len(rows), is_full=max(len(backlog), len(fresh)) == self._batch_size)
            if rows and self._may_try_broker() and self._publish(cursor, rows, batch):
                fresh = fresh if backlog else []
            if fresh:
                cursor.execute(MARK_DISPATCHED, [_ids(fresh)])
        return batch

    def _may_try_broker(self) -> bool:
        return time.monotonic() >= self.broker_retry_at

    def _rows(self, cursor: Any, *, is_dispatched: bool) -> list[Row]:
        cursor.execute(SELECT, [SERVICE, is_dispatched, is_dispatched, self._batch_size])
        return [
            Row(
                number,
                event_type,
                Record(topic, key, f'{head},"payload":{payload},"metadata":{metadata}}}'.encode()),
            )
            for number, event_type, topic, key, head, payload, metadata in cursor.fetchall()
        ]

    def _publish(self, cursor: Any, rows: Sequence[Row], batch: Batch) -> bool:
        try:
            refused = self._broker().publish([row.record for row in rows])
        except BrokerUnavailable as error:
            log.warning("broker_unavailable", error=str(error), waiting=len(rows))
            self._note_broker(is_up=False)
            return False
        for index, reason in refused.items():
            row = rows[index]
            log.error("event_refused", outbox_id=row.id, event_type=row.event_type, reason=reason)
            cursor.execute(MARK_REFUSED, [reason[:200], row.id])
        confirmed = [row for index, row in enumerate(rows) if index not in refused]
        cursor.execute(MARK_PUBLISHED, [_ids(confirmed)])
        batch.published, batch.refused = len(confirmed), len(refused)
        self._note_broker(is_up=True, published=len(confirmed))
        return True

    def _note_broker(self, *, is_up: bool, published: int = 0) -> None:
        """Record the broker's state and the number of events, for health and metrics."""
        if not is_up:
            self.broker_retry_at = time.monotonic() + BROKER_PAUSE
        try:
            report_broker(is_up=is_up)
            if published:
                metrics.relay_published(published)
        except RedisError:
            log.warning("relay_not_counted")

    def _enqueue_handlers(self, rows: Sequence[Row]) -> None:
        ids_of: dict[str, list[int]] = {}
        for row in rows:
            for task in self._handlers(row.event_type):
                ids_of.setdefault(task, []).append(row.id)
        for task, ids in ids_of.items():
            for start in range(0, len(ids), self._chunk_size):
                self._enqueue(task, ids[start : start + self._chunk_size])


def _ids(rows: Sequence[Row]) -> str:
    """An array literal; psycopg takes several times as long to adapt a list."""
    return "{" + ",".join(str(row.id) for row in rows) + "}"


def _has_undispatched() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(HAS_UNDISPATCHED)
        return bool(cursor.fetchone()[0])


def _renew_key() -> None:
    try:
        relay_wakeup.hold()
    except RedisError:
        log.warning("relay_key_not_renewed")


def _release_key() -> None:
    try:
        relay_wakeup.release()
    except RedisError:
        log.warning("relay_key_not_released")


# The envelope without its last brace; PostgreSQL's JSON text is never parsed here. The condition on
# `is_dispatched` is a range of one value: with `=` PostgreSQL would order by id alone and, when the
# statistics say that most rows wait, walk the primary key over all rows that are published.
SELECT = """
SELECT id, event_type, topic, aggregate_id::text,
  '{"event_id":"' || event_id || '","event_type":' || to_json(event_type)::text
  || ',"timestamp":"'
  || to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
  || '","service":"' || %s || '"',
  payload::text, metadata::text
FROM core_outboxevent
WHERE published_at IS NULL AND refusal = '' AND is_dispatched BETWEEN %s AND %s
ORDER BY is_dispatched, id LIMIT %s
"""

HAS_UNDISPATCHED = """
SELECT (SELECT id FROM core_outboxevent
        WHERE published_at IS NULL AND refusal = '' AND is_dispatched BETWEEN false AND false
        ORDER BY is_dispatched, id LIMIT 1) IS NOT NULL
"""

MARK_DISPATCHED = "UPDATE core_outboxevent SET is_dispatched = true WHERE id = ANY(%s::bigint[])"

MARK_REFUSED = "UPDATE core_outboxevent SET refusal = %s, is_dispatched = true WHERE id = %s"

MARK_PUBLISHED = """
UPDATE core_outboxevent SET published_at = clock_timestamp(), is_dispatched = true
WHERE id = ANY(%s::bigint[])
"""
