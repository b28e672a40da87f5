"""What those who left a chat had not had."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import connection


def left_behind_in(event_ids: Sequence[int]) -> dict[UUID, tuple[int, int]]:
    """Of each chat in these `chat.participant_left` events, the lowest `delivered_seq` and
    `read_seq` of those who left. One statement.
    """
    with connection.cursor() as cursor:
        cursor.execute(LEFT_BEHIND, [list(event_ids)])
        return {chat_id: (delivered, read) for chat_id, delivered, read in cursor.fetchall()}


# From the event, not from the participant: who has come back since starts at the chat's end.
# Events written before they said how far count from the chat's beginning.
LEFT_BEHIND = """
SELECT (payload->>'chat_id')::uuid, min(coalesce((payload->>'delivered_seq')::bigint, 0)),
  min(coalesce((payload->>'read_seq')::bigint, 0))
FROM core_outboxevent WHERE id = ANY(%s) GROUP BY 1
"""
