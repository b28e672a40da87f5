"""The state of the outbox for health, metrics and staff; retries and pruning."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from messenger.core.events import outbox_written
from messenger.core.models import OutboxEvent

COUNT_LIMIT = 10_000
SLICE_SIZE = 5_000  # rows per transaction of the pruning


@dataclass(frozen=True, slots=True)
class Lag:
    """Events that are not published yet. `waiting` stops counting at 10,000."""

    waiting: int
    oldest_seconds: float
    refused: int


def outbox_lag() -> Lag:
    """Count the waiting and refused events, on the database's clock. Takes a few milliseconds."""
    with connection.cursor() as cursor:
        cursor.execute(LAG, {"limit": COUNT_LIMIT})
        return Lag(*cursor.fetchone())


def outbox_retry(events: Iterable[OutboxEvent]) -> int:
    """Have refused events published again; returns their number."""
    count = (
        OutboxEvent.objects.filter(pk__in=[one.pk for one in events], published_at=None)
        .exclude(refusal="")
        .update(refusal="")
    )
    outbox_written()
    return count


def outbox_prune(*, seconds: float = 120.0, slice_size: int = SLICE_SIZE) -> int:
    """Delete events published longer ago than `OUTBOX_RETENTION`; returns their number.

    Walks the primary key in slices, one transaction each, from the oldest row to the first one that
    is too young. An index on `published_at` would cost each event more than this costs per hour.
    """
    until, last, total = time.monotonic() + seconds, 0, 0
    while time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute(
                PRUNE, {"last": last, "slice": slice_size, "retention": settings.OUTBOX_RETENTION}
            )
            deleted, last, is_end = cursor.fetchone()
        total += deleted
        if is_end:
            break
    return total


# Each part reads a partial index up to the limit, or its first entry. As in the relay, the order
# and the ranges make PostgreSQL use that index.
LAG = """
WITH waiting AS (
  SELECT FROM core_outboxevent WHERE published_at IS NULL AND refusal = ''
  ORDER BY is_dispatched, id LIMIT %(limit)s
), oldest AS (
  (SELECT created_at FROM core_outboxevent
   WHERE published_at IS NULL AND refusal = '' AND is_dispatched BETWEEN true AND true
   ORDER BY is_dispatched, id LIMIT 1)
  UNION ALL
  (SELECT created_at FROM core_outboxevent
   WHERE published_at IS NULL AND refusal = '' AND is_dispatched BETWEEN false AND false
   ORDER BY is_dispatched, id LIMIT 1)
), refused AS (
  SELECT FROM core_outboxevent WHERE refusal <> '' ORDER BY id LIMIT %(limit)s
)
SELECT (SELECT count(*) FROM waiting),
  greatest(0, coalesce((SELECT extract(epoch FROM clock_timestamp() - min(created_at))
                        FROM oldest), 0))::float,
  (SELECT count(*) FROM refused)
"""

PRUNE = """
WITH slice AS MATERIALIZED (
  SELECT id, created_at, published_at FROM core_outboxevent
  WHERE id > %(last)s ORDER BY id LIMIT %(slice)s
), deleted AS (
  DELETE FROM core_outboxevent USING slice
  WHERE core_outboxevent.id = slice.id
    AND slice.published_at < clock_timestamp() - make_interval(secs => %(retention)s)
  RETURNING 1
)
SELECT (SELECT count(*) FROM deleted), coalesce(max(id), 0),
  count(*) < %(slice)s OR max(created_at) > clock_timestamp() - make_interval(secs => %(retention)s)
FROM slice
"""
