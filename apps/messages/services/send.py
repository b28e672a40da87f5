"""Sending: a batch of messages becomes durable in one transaction.

The statements are written out: one round trip for the rights, one for all three writes. The
ORM's per-object path was measured thirty times slower, `bulk_create` six times.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from apps.chats.rules import refusal_to_write
from apps.messages import selectors
from apps.messages.errors import MessageIdConflict
from apps.messages.events import MessageSent
from apps.messages.rules import names_in
from apps.messages.serializers import message_out
from apps.messages.services.mentions import MENTIONED
from messenger.core import live, metrics
from messenger.core.errors import DomainError, InvalidInput, NotFound
from messenger.core.events import event_metadata, outbox_written
from messenger.core.ids import new_id
from messenger.core.json import dumps

RETRIES = 3


@dataclass(frozen=True, slots=True)
class SendRequest:
    """One message to send; `connection_id` is the socket that gets an ack instead of the frame."""

    sender_id: UUID
    chat_id: UUID
    message_id: UUID
    text: str
    reply_to: UUID | None = None
    sent_at: datetime | None = None
    connection_id: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """A durable message in its wire shape; `duplicate` where it was there already."""

    message: dict[str, Any]
    duplicate: bool = False


Right = tuple[bool, bool, bool, bool]


@dataclass(frozen=True, slots=True)
class _Looked:
    """What was true under the locks: each chat's `last_seq` (counted on while writing) and
    `members_rev`; for each request whether the sender takes part, whether the quoted message is
    there and visible, and whether the sender has blocked the other of a direct chat or is blocked
    by them; and who is mentioned, by the request's place."""

    now: datetime
    seqs: dict[UUID, int]
    members: dict[UUID, int]
    rights: list[Right]
    mentions: dict[int, list[UUID]]


def message_send(
    *,
    sender_id: UUID,
    chat_id: UUID,
    text: str,
    message_id: UUID | None = None,
    reply_to: UUID | None = None,
    sent_at: datetime | None = None,
) -> Sent:
    """Send one message: a batch of one. Raises `NotFound`, `MessageIdConflict`,
    `InvalidInput`, `NotAcceptingMessages`, `PersonBlocked`."""
    request = SendRequest(sender_id, chat_id, message_id or new_id(), text, reply_to, sent_at)
    (outcome,) = messages_send([request])
    if isinstance(outcome, DomainError):
        raise outcome
    return outcome


def messages_send(requests: Sequence[SendRequest]) -> list[Sent | DomainError]:
    """Make the messages durable, in the order given, and tell their chats after the commit.

    Returns an outcome for each request, in order; a bad one fails alone. When this returns,
    what is `Sent` is committed. Raises only what the database raises.
    """
    # A retry of a known message is rare: insert first, look for repeats only on a conflict.
    for attempt in range(RETRIES):
        try:
            outcomes = _send(requests, look_for_repeats=attempt > 0)
        except IntegrityError:
            if attempt == RETRIES - 1:
                raise
        else:
            metrics.messages_sent.inc(
                sum(isinstance(one, Sent) and not one.duplicate for one in outcomes)
            )
            return outcomes
    raise AssertionError("unreachable")


@transaction.atomic
def _send(requests: Sequence[SendRequest], *, look_for_repeats: bool) -> list[Sent | DomainError]:
    found = _lock_and_look(requests)
    # Who may write no more still gets the ack of what was stored while they might.
    is_refused = any(not right[0] or refusal_to_write(*right[2:]) for right in found.rights)
    known = _repeats(requests) if look_for_repeats or is_refused else {}
    outcomes: list[Sent | DomainError] = []
    written: list[tuple[dict[str, Any], SendRequest]] = []
    for n, (request, right) in enumerate(zip(requests, found.rights, strict=True)):
        is_member, reply_is_here, *marks = right
        earlier = known.get(request.message_id)
        if earlier is not None and _is_same(earlier, request):
            outcomes.append(Sent(earlier, duplicate=True))
        elif not is_member:
            outcomes.append(NotFound())
        elif earlier is not None:
            outcomes.append(MessageIdConflict())
        elif refusal := refusal_to_write(*marks):
            outcomes.append(refusal)
        elif request.reply_to and not reply_is_here:
            outcomes.append(_unknown_reply())
        else:
            found.seqs[request.chat_id] += 1
            message = _wire(
                request, found.seqs[request.chat_id], found.now, found.mentions.get(n, [])
            )
            known[request.message_id] = message
            written.append((message, request))
            outcomes.append(Sent(message))
    if written:
        _write(written, found)
    return outcomes


def _lock_and_look(
    requests: Sequence[SendRequest],
) -> _Looked:
    """Lock the chats, then read what is true of them and of the requests.

    Chats are locked in id order, so that two batches never wait for each other in a circle. The
    rights are a statement of their own, with a snapshot of its own, in the same round trip: what
    changed while the lock was waited for must count.
    """
    named = [(n, name) for n, one in enumerate(requests) for name in names_in(one.text)]
    with connection.cursor() as cursor:
        cursor.execute(
            ";".join([LOCK, RIGHTS, *([MENTIONED] if named else [])]),
            {
                "locked": _uuids({request.chat_id for request in requests}),
                "chats": _uuids(request.chat_id for request in requests),
                "senders": _uuids(request.sender_id for request in requests),
                "replies": _uuids(request.reply_to for request in requests),
                "places": [n for n, _ in named],
                "rooms": [requests[n].chat_id for n, _ in named],
                "names": [name for _, name in named],
            },
        )
        rows = cursor.fetchall()
        cursor.nextset()
        rights: list[Right] = cursor.fetchall()
        mentions = dict(cursor.fetchall()) if named and cursor.nextset() else {}
    # The database's clock, so that processes whose clocks differ agree.
    return _Looked(
        now=rows[0][3] if rows else timezone.now(),
        seqs={row[0]: row[1] for row in rows},
        members={row[0]: row[2] for row in rows},
        rights=rights,
        mentions=mentions,
    )


LOCK = """
SELECT id, last_seq, members_rev, clock_timestamp() FROM chats_chat
WHERE id = ANY(%(locked)s::uuid[]) ORDER BY id FOR NO KEY UPDATE
"""

RIGHTS = """
SELECT p.id IS NOT NULL, r.id IS NOT NULL AND r.seq > p.hidden_seq, p.has_blocked, p.is_blocked
FROM unnest(%(chats)s::uuid[], %(senders)s::uuid[], %(replies)s::uuid[])
  WITH ORDINALITY AS q(chat_id, sender_id, reply_to, n)
LEFT JOIN chats_participant p
  ON p.chat_id = q.chat_id AND p.user_id = q.sender_id AND p.left_at IS NULL
LEFT JOIN messaging_message r ON r.id = q.reply_to AND r.chat_id = q.chat_id
ORDER BY q.n
"""


def _uuids(ids: Iterable[UUID | None]) -> str:
    """An array literal; psycopg's adaption of a list costs a multiple."""
    return "{" + ",".join("null" if one is None else str(one) for one in ids) + "}"


def _write(
    written: list[tuple[dict[str, Any], SendRequest]],
    found: _Looked,
) -> None:
    """Messages, counters and outbox in one statement; the frames leave after the commit.

    The wire's own JSON goes in, once, and PostgreSQL takes the columns out of it.
    """
    texts = [dumps(message) for message, _ in written]
    has_mentions = any(message["mentions"] for message, _ in written)
    last = {str(message["chat_id"]): found.seqs[message["chat_id"]] for message, _ in written}
    with connection.cursor() as cursor:
        cursor.execute(
            WRITE_MENTIONS if has_mentions else WRITE,
            {
                "messages": "[" + ",".join(texts) + "]",
                "seqs": dumps(last),
                "now": found.now,
                "event_type": MessageSent.event_type,
                "topic": MessageSent.topic,
                "metadata": dumps(event_metadata(None)),
            },
        )
    outbox_written()
    live.push(
        live.Frame(
            live.chat_group(message["chat_id"]),
            '{"type":"message",' + text[1:],
            seq=message["seq"],
            members_rev=found.members[message["chat_id"]],
            skip=request.connection_id,
        )
        for (message, request), text in zip(written, texts, strict=True)
    )


WRITE = """
WITH new AS MATERIALIZED (
  SELECT n, payload, (payload->>'id')::uuid AS id, (payload->>'chat_id')::uuid AS chat_id,
    (payload->>'sender_id')::uuid AS sender_id
  FROM jsonb_array_elements(%(messages)s::jsonb) WITH ORDINALITY AS item(payload, n)
), written AS (
  INSERT INTO messaging_message
    (id, chat_id, seq, rev, sender_id, text, reply_to_id, sent_at, created_at, updated_at)
  SELECT id, chat_id, (payload->>'seq')::bigint, 0, sender_id, payload->>'text',
    (payload->>'reply_to')::uuid, (payload->>'sent_at')::timestamptz, %(now)s, %(now)s
  FROM new
), counted AS (
  UPDATE chats_chat SET last_seq = value::bigint, last_message_at = %(now)s
  FROM jsonb_each_text(%(seqs)s::jsonb) WHERE chats_chat.id = key::uuid
)
INSERT INTO core_outboxevent
  (event_id, event_type, topic, aggregate_id, payload, metadata, created_at)
SELECT gen_random_uuid(), %(event_type)s, %(topic)s, chat_id, payload,
  jsonb_set(%(metadata)s::jsonb, '{actor_id}', payload->'sender_id'), %(now)s
FROM new ORDER BY n
"""


# Taking an array out of JSON costs something, and most batches have none.
WRITE_MENTIONS = WRITE.replace(
    "created_at, updated_at)", "created_at, updated_at, mentions)"
).replace(
    "%(now)s, %(now)s\n  FROM new",
    "%(now)s, %(now)s,"
    " ARRAY(SELECT one::uuid FROM jsonb_array_elements_text(payload->'mentions') AS one)\n"
    "  FROM new",
)


def _wire(request: SendRequest, seq: int, now: datetime, mentions: list[UUID]) -> dict[str, Any]:
    """A `MessageOut` of a message that is being written: `message_out` without a model."""
    return {
        "id": request.message_id,
        "chat_id": request.chat_id,
        "seq": seq,
        "rev": 0,
        "sender_id": request.sender_id,
        "text": request.text,
        "reply_to": request.reply_to,
        "mentions": mentions,
        "sent_at": request.sent_at,
        "created_at": now,
        "updated_at": now,
        "edited_at": None,
        "deleted_at": None,
        "delivered_at": None,
        "read_at": None,
    }


def _repeats(requests: Sequence[SendRequest]) -> dict[UUID, dict[str, Any]]:
    found = selectors.messages_by_id(request.message_id for request in requests)
    return {message.id: message_out(message) for message in found}


def _is_same(message: dict[str, Any], request: SendRequest) -> bool:
    """A retry, as opposed to somebody else's id or the same id for another chat."""
    return (message["chat_id"], message["sender_id"]) == (request.chat_id, request.sender_id)


def _unknown_reply() -> InvalidInput:
    return InvalidInput(
        errors=[
            {
                "field": "reply_to",
                "code": "not_found",
                "detail": "There is no such message in this chat.",
            }
        ]
    )
