"""Commands from a broker: the services of the other entry points, exactly once each.

A command and its id are stored in one transaction, so that a redelivery after a crash is
recognised. Commands that are refused are returned for the dead-letter topic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, Generic, Literal, TypeVar, cast
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError
from django.db.transaction import atomic
from pydantic import Field, model_validator

from apps.accounts.selectors import people_active
from apps.chats.services.direct import chat_open_direct
from apps.messages import selectors
from apps.messages.serializers import MessageSendInput, Seq, SocketDeleteInput, SocketEditInput
from apps.messages.services.change import message_delete, message_edit
from apps.messages.services.handled import commands_claim, commands_release
from apps.messages.services.read import messages_read
from apps.messages.services.send import SendRequest, messages_send
from messenger.core.brokers import Received
from messenger.core.errors import DomainError, InvalidInput, NotAuthenticated
from messenger.core.json import loads_guarded
from messenger.core.shapes import Input, read_input

log = structlog.get_logger("messenger.commands")
P = TypeVar("P", bound=Input)


class ReadCommandInput(Input):
    """Mark a chat as read, up to a message or up to a `seq`."""

    message_id: UUID | None = Field(default=None, description="A message that the actor sees.")
    chat_id: UUID | None = Field(default=None, description="A chat of the actor's; with `seq`.")
    seq: Seq | None = Field(default=None, description="The last message that counts.")

    @model_validator(mode="after")
    def _one_place(self) -> ReadCommandInput:
        by_place = self.chat_id is not None and self.seq is not None
        if (self.message_id is None) != by_place or (self.chat_id is None) != (self.seq is None):
            raise ValueError("give either message_id, or chat_id and seq")
        return self


class Metadata(Input):
    """The actor, and the origin of the command."""

    actor_id: UUID = Field(description="The acting person; publishers to the topic are trusted.")
    request_id: str | None = Field(default=None, max_length=128, description="For the log.")
    version: Literal[1] = 1


class Command(Input, Generic[P]):
    """A command in the same envelope as events."""

    event_id: UUID = Field(description="The command's own id, by which a redelivery is recognised.")
    event_type: str = Field(description="The topic's name.")
    timestamp: datetime | None = Field(default=None, description="Ignored.")
    service: str | None = Field(
        default=None, max_length=64, description="The publisher's name; ignored."
    )
    payload: P
    metadata: Metadata


def _edit(actor_id: UUID, data: SocketEditInput) -> None:
    message_edit(actor_id=actor_id, message_id=data.message_id, text=data.text)


def _delete(actor_id: UUID, data: SocketDeleteInput) -> None:
    message_delete(actor_id=actor_id, message_id=data.message_id)


def _read(actor_id: UUID, data: ReadCommandInput) -> None:
    if data.message_id is not None:
        message = selectors.access_message(actor_id, data.message_id).message
        messages_read(actor_id=actor_id, chat_id=message.chat_id, seq=message.seq)
    elif data.chat_id is not None and data.seq is not None:
        messages_read(actor_id=actor_id, chat_id=data.chat_id, seq=data.seq)


SEND = "message.send"
SHAPES: dict[str, type[Command[Any]]] = {
    SEND: Command[MessageSendInput],
    "message.edit": Command[SocketEditInput],
    "message.read": Command[ReadCommandInput],
    "message.delete": Command[SocketDeleteInput],
}
ALONE: dict[str, Callable[[UUID, Any], None]] = {
    "message.edit": _edit,
    "message.read": _read,
    "message.delete": _delete,
}
TOPICS = tuple(SHAPES)
# The database is unavailable: the command is tried again.
UNAVAILABLE = (OperationalError, InterfaceError)
INTERNAL = "internal: an unexpected error; see the log"

Parsed = tuple[Received, Command[Any]]
Refused = tuple[Received, str]


def commands_do(received: Sequence[Received]) -> list[Refused]:
    """Carry out commands, each topic in its order; returns the refused ones with the reason.

    Idempotent: commands given again are not repeated, and refused ones are returned again.
    Raises `UNAVAILABLE` errors of the database.
    """
    refused: list[Refused] = []
    # There is no order between topics: send messages before commands that refer to them.
    ordered = sorted(received, key=lambda one: one.topic != SEND)
    for topic, run in groupby(ordered, key=lambda one: one.topic):
        good: list[Parsed] = []
        for one in run:
            try:
                good.append((one, _command(one)))
            except DomainError as error:
                refused.append((one, _reason(error)))
        if topic == SEND:
            refused += [one for batch in _batches(good) for one in _together(batch)]
        else:
            refused += _one_by_one(good, ALONE[topic])
    return refused


def _batches(sends: Sequence[Parsed]) -> Iterator[list[Parsed]]:
    """Cut before a reply to a message of the same batch: that message must be stored first."""
    batch: list[Parsed] = []
    ids: set[UUID] = set()
    for one in sends:
        if one[1].payload.reply_to in ids:
            yield batch
            batch, ids = [], set()
        batch.append(one)
        ids.add(one[1].payload.message_id or one[1].event_id)
    if batch:
        yield batch


def _command(received: Received) -> Command[Any]:
    try:
        data = loads_guarded(received.body.decode())
    except UnicodeDecodeError:
        raise InvalidInput("A command is JSON in UTF-8.") from None
    command: Command[Any] = read_input(SHAPES[received.topic], data)
    if command.event_type != received.topic:
        raise InvalidInput("`event_type` is not the topic's name.")
    return command


def _together(commands: Sequence[Parsed]) -> list[Refused]:
    """One transaction for a run of sends; after an unexpected error, one for each."""
    try:
        return _send(commands)
    except UNAVAILABLE:
        raise
    except Exception:
        if len(commands) == 1:
            log.exception("command_failed", topic=SEND)
            return [(commands[0][0], INTERNAL)]
        return [refused for one in commands for refused in _together([one])]


@atomic
def _send(commands: Sequence[Parsed]) -> list[Refused]:
    refused: list[Refused] = []
    asked: list[tuple[Parsed, SendRequest]] = []
    failed: list[tuple[Parsed, DomainError]] = []
    for one in _fresh(commands, refused):
        try:
            asked.append((one, _request(one[1])))
        except DomainError as error:
            failed.append((one, error))
    outcomes = messages_send([request for _, request in asked]) if asked else []
    failed += [
        (one, outcome)
        for (one, _), outcome in zip(asked, outcomes, strict=True)
        if isinstance(outcome, DomainError)
    ]
    commands_release([command.event_id for (_, command), _ in failed])
    return refused + [(received, _reason(error)) for (received, _), error in failed]


def _request(command: Command[MessageSendInput]) -> SendRequest:
    data, actor_id = command.payload, command.metadata.actor_id
    if data.recipient_id is not None:
        chat_id = chat_open_direct(actor_id=actor_id, user_id=data.recipient_id)[0].id
    else:
        chat_id = cast(UUID, data.chat_id)  # the shape has one of the two
    # Without an id of its own the message gets the command's, so that a retry is recognised.
    message_id = data.message_id or command.event_id
    return SendRequest(actor_id, chat_id, message_id, data.text, data.reply_to, data.sent_at)


def _one_by_one(commands: Sequence[Parsed], do: Callable[[UUID, Any], None]) -> list[Refused]:
    refused: list[Refused] = []
    for received, command in commands:
        request_id = command.metadata.request_id
        try:
            with structlog.contextvars.bound_contextvars(request_id=request_id), atomic():
                for _, fresh in _fresh([(received, command)], refused):
                    do(fresh.metadata.actor_id, fresh.payload)
        except DomainError as error:
            refused.append((received, _reason(error)))
        except UNAVAILABLE:
            raise
        except Exception:
            log.exception("command_failed", topic=received.topic)
            refused.append((received, INTERNAL))
    return refused


def _fresh(commands: Sequence[Parsed], refused: list[Refused]) -> list[Parsed]:
    """The commands that are new and whose actors are active; others are ignored or refused."""
    new = commands_claim([command.event_id for _, command in commands])
    active = people_active({command.metadata.actor_id for _, command in commands})
    fresh, strange = [], []
    for received, command in commands:
        if command.event_id not in new:
            continue
        new.discard(command.event_id)  # twice in one batch
        if command.metadata.actor_id in active:
            fresh.append((received, command))
        else:
            strange.append(command.event_id)
            refused.append((received, _reason(NotAuthenticated("There is no such person."))))
    commands_release(strange)
    return fresh


def _reason(error: DomainError) -> str:
    """Code, detail and fields of the error; never a value from the command."""
    fields = "; ".join(f"{one['field']}: {one['detail']}" for one in error.errors or ())
    return f"{error.code}: {error.detail}{f' ({fields})' if fields else ''}"[:500]
