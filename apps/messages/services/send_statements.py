"""The SQL of sending: one round trip that locks and reads, one that writes.

Written out because the ORM's per-object path was measured thirty times slower, and `bulk_create`
six times.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.utils import timezone

from apps.chats.models import active_sql
from apps.messages.events import MessageSent
from apps.messages.rules import names_in
from apps.messages.services.mentions import MENTIONED
from messenger.core.events import event_metadata
from messenger.core.json import array_of, dumps


@dataclass(frozen=True, slots=True)
class SendRequest:
    """One message to send; `connection_id` names the socket that gets an ack, not the frame."""

    sender_id: UUID
    chat_id: UUID
    message_id: UUID
    text: str
    reply_to: UUID | None = None
    sent_at: datetime | None = None
    connection_id: str = ""


@dataclass(slots=True)
class LockedChat:
    """What sending needs of a chat's row; `last_seq` counts on while a batch is numbered."""

    last_seq: int
    members_rev: int
    authority_rev: int


class Marks(NamedTuple):
    """Of one request: the sender's mark (null without one), and its `authority_rev`."""

    may_post: bool | None
    authority_rev: int | None
    reply_is_visible: bool


@dataclass(frozen=True, slots=True)
class Stored:
    """The state under the locks; marks and mentions by the index of the request."""

    now: datetime
    chats: dict[UUID, LockedChat]
    marks: list[Marks]
    mentions: dict[int, list[UUID]]

    def is_marked(self, n: int, chat_id: UUID) -> bool:
        """Whether the sender of request `n` has a mark that is true and current."""
        marks = self.marks[n]
        return bool(marks.may_post) and marks.authority_rev == self.chats[chat_id].authority_rev


def lock_and_read(requests: Sequence[SendRequest]) -> Stored:
    """Lock the chats, then read the marks, quoted messages and mentioned people.

    Chats are locked in id order, so that two batches cannot deadlock. The marks are a statement of
    their own in the same round trip: its snapshot is taken after the locks were waited for.
    """
    named = [(n, name) for n, one in enumerate(requests) for name in names_in(one.text)]
    with connection.cursor() as cursor:
        cursor.execute(
            ";".join([LOCK, MARKS, *([MENTIONED] if named else [])]),
            {
                "locked": _uuids({request.chat_id for request in requests}),
                "chats": _uuids(request.chat_id for request in requests),
                "senders": _uuids(request.sender_id for request in requests),
                "replies": _uuids(request.reply_to for request in requests),
                "indexes": [n for n, _ in named],
                "named_in": [requests[n].chat_id for n, _ in named],
                "names": [name for _, name in named],
            },
        )
        rows = cursor.fetchall()
        cursor.nextset()
        marks = [Marks(*row) for row in cursor.fetchall()]
        mentions = dict(cursor.fetchall()) if named and cursor.nextset() else {}
    # The database's clock: the clocks of web processes may differ.
    now = rows[0][4] if rows else timezone.now()
    chats = {row[0]: LockedChat(*row[1:4]) for row in rows}
    return Stored(now, chats, marks, mentions)


LOCK = """
SELECT id, last_seq, members_rev, authority_rev, clock_timestamp() FROM chats_chat
WHERE id = ANY(%(locked)s::uuid[]) ORDER BY id FOR NO KEY UPDATE
"""

MARKS = f"""
SELECT p.may_post AND (p.may_post_until IS NULL OR p.may_post_until > clock_timestamp()),
  p.authority_rev, r.id IS NOT NULL AND r.seq > p.hidden_seq
FROM unnest(%(chats)s::uuid[], %(senders)s::uuid[], %(replies)s::uuid[])
  WITH ORDINALITY AS q(chat_id, sender_id, reply_to, n)
LEFT JOIN chats_participant p
  ON p.chat_id = q.chat_id AND p.user_id = q.sender_id AND {active_sql("p")}
LEFT JOIN messaging_message r ON r.id = q.reply_to AND r.chat_id = q.chat_id
ORDER BY q.n
"""  # noqa: S608


def write(messages: Sequence[dict[str, Any]], texts: Sequence[str], found: Stored) -> None:
    """Insert messages and outbox rows and count the chats on, in one statement.

    `texts` are the messages as JSON, which is also the outbox payload: PostgreSQL takes the columns
    out of it.
    """
    last = {str(one["chat_id"]): found.chats[one["chat_id"]].last_seq for one in messages}
    with connection.cursor() as cursor:
        cursor.execute(
            WRITE[any(message["mentions"] for message in messages)],
            {
                "messages": array_of(texts),
                "seqs": dumps(last),
                "now": found.now,
                "event_type": MessageSent.event_type,
                "topic": MessageSent.topic,
                "metadata": dumps(event_metadata(None)),
            },
        )


MENTIONS = "ARRAY(SELECT one::uuid FROM jsonb_array_elements_text(payload->'mentions') AS one)"


def _write_sql(mentions: str) -> str:
    """The statement, with an SQL expression for the column `mentions`."""
    return f"""
WITH new AS MATERIALIZED (
  SELECT n, payload, (payload->>'id')::uuid AS id, (payload->>'chat_id')::uuid AS chat_id,
    (payload->>'sender_id')::uuid AS sender_id
  FROM jsonb_array_elements(%(messages)s::jsonb) WITH ORDINALITY AS item(payload, n)
), written AS (
  INSERT INTO messaging_message
    (id, chat_id, seq, rev, sender_id, text, reply_to_id, sent_at, created_at, updated_at, mentions)
  SELECT id, chat_id, (payload->>'seq')::bigint, 0, sender_id, payload->>'text',
    (payload->>'reply_to')::uuid, (payload->>'sent_at')::timestamptz, %(now)s, %(now)s, {mentions}
  FROM new
), counted AS (
  UPDATE chats_chat SET last_seq = value::bigint, last_message_at = %(now)s
  FROM jsonb_each_text(%(seqs)s::jsonb) WHERE chats_chat.id = key::uuid
)
INSERT INTO core_outboxevent
  (event_id, event_type, topic, aggregate_id, payload, metadata, created_at)
SELECT gen_random_uuid(), %(event_type)s, %(topic)s, chat_id, payload,
  jsonb_set(%(metadata)s::jsonb, '{{actor_id}}', payload->'sender_id'), %(now)s
FROM new ORDER BY n
"""  # noqa: S608


# By whether anybody is mentioned: taking arrays out of JSON is slow, and most batches have none.
WRITE = {False: _write_sql("'{}'::uuid[]"), True: _write_sql(MENTIONS)}


def _uuids(ids: Iterable[UUID | None]) -> str:
    """An array literal; psycopg's adaptation of a list costs a multiple."""
    return "{" + ",".join("null" if one is None else str(one) for one in ids) + "}"
