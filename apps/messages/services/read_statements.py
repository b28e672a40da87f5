"""The SQL of receipts: each statement takes arrays, one element per cursor or event."""

from __future__ import annotations

from apps.chats.models import active_sql

KINDS = ("delivered", "read")

LOAD = f"""
SELECT p.chat_id, p.user_id, p.delivered_seq, p.read_seq, c.last_seq, c.participant_count,
  c.members_rev, p.has_blocked
FROM unnest(%s::uuid[], %s::uuid[]) AS q(chat_id, user_id)
JOIN chats_participant p USING (chat_id, user_id)
JOIN chats_chat c ON c.id = p.chat_id
WHERE {active_sql("p")}
"""  # noqa: S608

MOVE = """
UPDATE chats_participant p
SET delivered_seq = q.delivered, read_seq = q.read,
    delivered_at = CASE WHEN q.delivered > p.delivered_seq THEN %(now)s ELSE p.delivered_at END,
    read_at = CASE WHEN q.read > p.read_seq THEN %(now)s ELSE p.read_at END
FROM unnest(%(chats)s::uuid[], %(users)s::uuid[], %(delivered)s::bigint[], %(read)s::bigint[])
  AS q(chat_id, user_id, delivered, read)
WHERE p.chat_id = q.chat_id AND p.user_id = q.user_id
"""


def _complete_sql(kind: str) -> str:
    """Set `delivered_at` or `read_at` of the messages that all but their sender have passed.

    Per chat the two lowest cursors decide: the lowest for other people's messages, the second for
    messages of the participant who has the lowest.
    """
    return f"""
WITH ranked AS (
  SELECT p.chat_id, p.user_id, p.{kind}_seq AS seq,
         row_number() OVER (PARTITION BY p.chat_id ORDER BY p.{kind}_seq, p.user_id) AS place
  FROM chats_participant p
  WHERE p.chat_id = ANY(%(chats)s::uuid[]) AND {active_sql("p")}
), floors AS (
  SELECT one.chat_id, one.user_id AS last, one.seq AS lowest, coalesce(two.seq, 0) AS second
  FROM ranked one LEFT JOIN ranked two ON two.chat_id = one.chat_id AND two.place = 2
  WHERE one.place = 1
), complete AS (
  SELECT m.id FROM unnest(%(chats)s::uuid[], %(lows)s::bigint[]) AS q(chat_id, low)
  JOIN floors f ON f.chat_id = q.chat_id
  JOIN messaging_message m ON m.chat_id = q.chat_id AND m.seq > q.low
    AND m.seq <= greatest(f.lowest, f.second)
    AND m.seq <= CASE WHEN m.sender_id = f.last THEN f.second ELSE f.lowest END
  WHERE m.{kind}_at IS NULL
  ORDER BY m.chat_id, m.seq FOR NO KEY UPDATE OF m
)
UPDATE messaging_message m SET {kind}_at = %(now)s FROM complete WHERE m.id = complete.id
"""  # noqa: S608


COMPLETE = {kind: _complete_sql(kind) for kind in KINDS}

EMIT = """
INSERT INTO core_outboxevent
  (event_id, event_type, topic, aggregate_id, payload, metadata, created_at)
SELECT event_id, event_type, topic, aggregate_id, payload, metadata, %(now)s
FROM unnest(%(event_id)s::uuid[], %(event_type)s::text[], %(topic)s::text[],
            %(aggregate_id)s::uuid[], %(payload)s::jsonb[], %(metadata)s::jsonb[])
  WITH ORDINALITY AS new(event_id, event_type, topic, aggregate_id, payload, metadata, n)
ORDER BY n
"""
