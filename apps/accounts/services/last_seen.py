"""When people were last online."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db import connection

from messenger.core.live import PRESENCE_GROUP, Frame


def last_seen_update(at: Mapping[UUID, datetime]) -> None:
    """Store when users were online, in one statement. A later time is never overwritten."""
    with connection.cursor() as cursor:
        cursor.execute(UPDATE, [list(at), list(at.values())])


def presence_changed(user_id: UUID) -> Frame:
    """The control frame that makes all processes update who sees this user's presence."""
    return Frame(PRESENCE_GROUP, control={"op": "review", "user_id": str(user_id)})


# Locks rows in id order, because several processes may update the same users at once.
UPDATE = """
WITH online AS (
  SELECT u.id, q.at FROM unnest(%s::uuid[], %s::timestamptz[]) AS q(id, at)
  JOIN accounts_user u ON u.id = q.id ORDER BY u.id FOR NO KEY UPDATE OF u
)
UPDATE accounts_user u SET last_seen_at = greatest(u.last_seen_at, online.at)
FROM online WHERE u.id = online.id
"""
