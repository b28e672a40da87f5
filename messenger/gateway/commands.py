"""The socket's routes: frame type → its shape and who handles it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import Field, StrictInt

from apps.chats import commands as chats
from apps.chats.serializers import TypingInput
from apps.messages.commands import socket as messages
from apps.messages.serializers import (
    CursorsInput,
    SocketDeleteInput,
    SocketEditInput,
    SocketSendInput,
    SyncInput,
)
from messenger.core.actors import Actor
from messenger.core.shapes import Input
from messenger.gateway import writer


class PongInput(Input):
    """The answer to the `ping` with the same number."""

    n: StrictInt = Field(description="The ping's number.")


class AuthenticateInput(Input):
    """A fresh access token for the same login session."""

    token: str = Field(description="The access token.")


@dataclass(frozen=True, slots=True)
class Batched:
    """Collected with other sockets' requests into one transaction; `reply` dresses an outcome."""

    shape: type[Input]
    lane: writer.GroupCommit[Any]
    requests: Callable[[Actor, Any], list[Any]]
    reply: Callable[[Any], dict[str, Any]] | None = None


@dataclass(frozen=True, slots=True)
class Plain:
    """A service call in a thread of its own; answers with one frame, or with none."""

    shape: type[Input]
    handle: Callable[[Actor, Any], dict[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Streamed:
    """A read that answers with pages of ready texts, as fast as the reader takes them."""

    shape: type[Input]
    handle: Callable[[Actor, Any], Iterator[list[str]]]


@dataclass(frozen=True, slots=True)
class OfConnection:
    """About the connection itself; the dispatcher has a method of this name."""

    shape: type[Input]
    method: str


Command = Batched | Plain | Streamed | OfConnection

COMMANDS: dict[str, Command] = {
    "message": Batched(
        SocketSendInput,
        writer.sends,
        lambda actor, data: [messages.send_request(actor, data)],
        messages.send_reply,
    ),
    "delivered": Batched(CursorsInput, writer.receipts, messages.delivered_moves),
    "read": Batched(CursorsInput, writer.receipts, messages.read_moves),
    "edit_message": Plain(SocketEditInput, messages.edit),
    "delete_message": Plain(SocketDeleteInput, messages.delete),
    "typing": Plain(TypingInput, chats.typing),
    "sync": Streamed(SyncInput, messages.sync),
    "pong": OfConnection(PongInput, "pong"),
    "authenticate": OfConnection(AuthenticateInput, "authenticate"),
}
