"""When people were last here, and who may see it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db import connection

from messenger.core.live import PRESENCE_GROUP, Frame


def people_seen(at: Mapping[UUID, datetime]) -> None:
    """Note when people were seen, in one statement; a moment never replaces a later one."""
    with connection.cursor() as cursor:
        cursor.execute(SEEN, [list(at), list(at.values())])


def presence_changed(user_id: UUID) -> Frame:
    """For all processes: tell anew who may see what of this person's presence."""
    return Frame(PRESENCE_GROUP, control={"op": "review", "user_id": str(user_id)})


# Locked in id order: two processes may note the same people at once.
SEEN = """
WITH seen AS (
  SELECT u.id, q.at FROM unnest(%s::uuid[], %s::timestamptz[]) AS q(id, at)
  JOIN accounts_user u ON u.id = q.id ORDER BY u.id FOR NO KEY UPDATE OF u
)
UPDATE accounts_user u SET last_seen_at = greatest(u.last_seen_at, seen.at)
FROM seen WHERE u.id = seen.id
"""
