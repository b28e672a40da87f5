"""Sending: a batch of messages becomes durable in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from apps.chats.selectors import standings
from apps.chats.services.authority import posting_refusals
from apps.messages import selectors
from apps.messages.errors import MessageIdConflict
from apps.messages.serializers import EMPTY_MESSAGE, message_out
from apps.messages.services import send_statements as statements
from apps.messages.services.send_statements import Marks, SendRequest, Stored
from messenger.core import live, metrics
from messenger.core.errors import DomainError, InvalidInput, NotFound
from messenger.core.events import outbox_written
from messenger.core.ids import new_id
from messenger.core.json import dumps, member, with_first_member

__all__ = ["SendRequest", "Sent", "message_send", "messages_send"]
RETRIES = 3
TYPE = member("type", "message")


@dataclass(frozen=True, slots=True)
class Sent:
    """A durable message in its wire shape; `duplicate` where an earlier request stored it."""

    message: dict[str, Any]
    duplicate: bool = False


def message_send(
    *,
    sender_id: UUID,
    chat_id: UUID,
    text: str,
    message_id: UUID | None = None,
    reply_to: UUID | None = None,
    sent_at: datetime | None = None,
) -> Sent:
    """Send one message: a batch of one. Raises the request's refusal, see `messages_send`."""
    request = SendRequest(sender_id, chat_id, message_id or new_id(), text, reply_to, sent_at)
    (outcome,) = messages_send([request])
    if isinstance(outcome, DomainError):
        raise outcome
    return outcome


def messages_send(requests: Sequence[SendRequest]) -> list[Sent | DomainError]:
    """Make the messages durable, in the order given, and broadcast them after the commit.

    Returns an outcome for each request, in order: one that is refused (by the chat's policy, with
    `MessageIdConflict`, or `InvalidInput` for an unknown `reply_to`) leaves the others as they are.
    When this returns, each `Sent` is committed. Raises only what the database raises.
    """
    # Retries of a stored message are rare: insert first, look for them only after a conflict.
    for attempt in range(RETRIES):
        try:
            outcomes = _send(requests, look_for_duplicates=attempt > 0)
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
def _send(
    requests: Sequence[SendRequest], *, look_for_duplicates: bool
) -> list[Sent | DomainError]:
    found = statements.lock_and_read(requests)
    refusals = _refusals(requests, found)
    # The retry of a message stored while its sender might post is still acknowledged.
    known = _stored_already(requests) if look_for_duplicates or refusals else {}
    outcomes: list[Sent | DomainError] = []
    written: list[tuple[dict[str, Any], SendRequest]] = []
    new: dict[UUID, UUID] = {}  # the chats of this batch's messages, by message id
    for n, request in enumerate(requests):
        earlier = known.get(request.message_id)
        if earlier is not None and _is_retry(earlier, request):
            outcomes.append(Sent(earlier, duplicate=True))
        elif refusal := refusals.get(n):
            outcomes.append(refusal)
        elif earlier is not None:
            outcomes.append(MessageIdConflict())
        elif not _reply_is_valid(request, found.marks[n], new):
            outcomes.append(_unknown_reply())
        else:
            message = known[request.message_id] = _new_message(request, found, n)
            new[request.message_id] = request.chat_id
            written.append((message, request))
            outcomes.append(Sent(message))
    if written:
        _store(written, found)
    return outcomes


def _refusals(requests: Sequence[SendRequest], found: Stored) -> dict[int, DomainError]:
    """The requests that are refused, by their index.

    Marks that are current and true let their requests pass; the policy decides about the others.
    """
    unmarked = {
        n: (request.sender_id, request.chat_id)
        for n, request in enumerate(requests)
        if not found.is_marked(n, request.chat_id)
    }
    if not unmarked:
        return {}
    known = standings(set(unmarked.values()))
    answers = dict(zip(known, posting_refusals(known.values()), strict=True))
    asked = {n: answers.get(pair, NotFound()) for n, pair in unmarked.items()}
    return {n: refusal for n, refusal in asked.items() if refusal is not None}


def _new_message(request: SendRequest, found: Stored, n: int) -> dict[str, Any]:
    """The wire shape of a message under its chat's next `seq`."""
    chat = found.chats[request.chat_id]
    chat.last_seq += 1
    return {
        **EMPTY_MESSAGE,
        "id": request.message_id,
        "chat_id": request.chat_id,
        "seq": chat.last_seq,
        "sender_id": request.sender_id,
        "text": request.text,
        "reply_to": request.reply_to,
        "mentions": found.mentions.get(n, []),
        "sent_at": request.sent_at,
        "created_at": found.now,
        "updated_at": found.now,
    }


def _store(written: list[tuple[dict[str, Any], SendRequest]], found: Stored) -> None:
    """Write the messages, and broadcast their frames after the commit; each is encoded once."""
    texts = [dumps(message) for message, _ in written]
    statements.write([message for message, _ in written], texts, found)
    outbox_written()
    live.push(
        live.Frame(
            live.chat_group(message["chat_id"]),
            with_first_member(text, TYPE),
            seq=message["seq"],
            members_rev=found.chats[message["chat_id"]].members_rev,
            skip=request.connection_id,
        )
        for (message, request), text in zip(written, texts, strict=True)
    )


def _stored_already(requests: Sequence[SendRequest]) -> dict[UUID, dict[str, Any]]:
    found = selectors.messages_by_id(request.message_id for request in requests)
    return {message.id: message_out(message) for message in found}


def _is_retry(message: dict[str, Any], request: SendRequest) -> bool:
    """False for another sender's id, and for the same id in another chat."""
    return (message["chat_id"], message["sender_id"]) == (request.chat_id, request.sender_id)


def _reply_is_valid(request: SendRequest, marks: Marks, new: Mapping[UUID, UUID]) -> bool:
    """Whether `reply_to` is empty, visible to the sender, or earlier in the batch and chat."""
    if request.reply_to is None or marks.reply_is_visible:
        return True
    return new.get(request.reply_to) == request.chat_id


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
