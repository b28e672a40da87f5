"""The outbox seen from outside: how much waits, what was refused, and what may go."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from messenger.core.events import outbox_written
from messenger.core.models import OutboxEvent

COUNT_LIMIT = 10_000
SLICE = 5_000


@dataclass(frozen=True, slots=True)
class Lag:
    """What has not left yet. `waiting` stops counting at 10,000."""

    waiting: int
    oldest_seconds: float
    refused: int


def outbox_lag() -> Lag:
    """How far the outside is behind, on the database's clock; a few milliseconds at most."""
    with connection.cursor() as cursor:
        cursor.execute(LAG, {"limit": COUNT_LIMIT})
        return Lag(*cursor.fetchone())


def outbox_retry(events: Iterable[OutboxEvent]) -> int:
    """Have the broker asked again about events that it has refused; returns their number."""
    count = (
        OutboxEvent.objects.filter(pk__in=[one.pk for one in events], published_at=None)
        .exclude(refusal="")
        .update(refusal="")
    )
    outbox_written()
    return count


def outbox_prune(*, seconds: float = 120.0) -> int:
    """Delete what was published longer ago than `OUTBOX_RETENTION`; returns the number.

    Walks the primary key in slices, a transaction each, from the oldest row to the first young one:
    an index on `published_at` would cost every event more than this costs an hour.
    """
    until, last, total = time.monotonic() + seconds, 0, 0
    while time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute(PRUNE, {"last": last, "slice": SLICE, "kept": settings.OUTBOX_RETENTION})
            deleted, last, is_end = cursor.fetchone()
        total += deleted
        if is_end:
            break
    return total


# Each part walks a partial index: to the limit, or to its first entry. As in the relay, the order
# and the ranges are there for the planner to take that index.
LAG = """
WITH waiting AS (
  SELECT FROM core_outboxevent WHERE published_at IS NULL AND refusal = ''
  ORDER BY is_followed, id LIMIT %(limit)s
), oldest AS (
  (SELECT created_at FROM core_outboxevent
   WHERE published_at IS NULL AND refusal = '' AND is_followed BETWEEN true AND true
   ORDER BY is_followed, id LIMIT 1)
  UNION ALL
  (SELECT created_at FROM core_outboxevent
   WHERE published_at IS NULL AND refusal = '' AND is_followed BETWEEN false AND false
   ORDER BY is_followed, id LIMIT 1)
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
), gone AS (
  DELETE FROM core_outboxevent USING slice
  WHERE core_outboxevent.id = slice.id
    AND slice.published_at < clock_timestamp() - make_interval(secs => %(kept)s)
  RETURNING 1
)
SELECT (SELECT count(*) FROM gone), coalesce(max(id), 0),
  count(*) < %(slice)s OR max(created_at) > clock_timestamp() - make_interval(secs => %(kept)s)
FROM slice
"""
