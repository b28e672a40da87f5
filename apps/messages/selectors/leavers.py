"""Receipts of people who left a chat."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import connection


def receipts_of_leavers(event_ids: Sequence[int]) -> dict[UUID, tuple[int, int]]:
    """Per chat of these `chat.participant_left` events, the lowest `delivered_seq` and `read_seq`
    of the people who left. One statement.
    """
    with connection.cursor() as cursor:
        cursor.execute(LEFT_BEHIND, [list(event_ids)])
        return {chat_id: (delivered, read) for chat_id, delivered, read in cursor.fetchall()}


# From the events, not from the participants: people who returned have new cursors. Events from
# before these fields existed count as 0.
LEFT_BEHIND = """
SELECT (payload->>'chat_id')::uuid, min(coalesce((payload->>'delivered_seq')::bigint, 0)),
  min(coalesce((payload->>'read_seq')::bigint, 0))
FROM core_outboxevent WHERE id = ANY(%s) GROUP BY 1
"""
