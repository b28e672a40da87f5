"""The frames that the gateway itself sends: about the connection, errors and presence."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from pydantic import Field

from messenger.core import limits
from messenger.core.errors import DomainError
from messenger.core.examples import ALICE, BOB, CHANGED_AT, CONNECTION, CREATED_AT, REF
from messenger.core.json import dumps
from messenger.core.problems import problem
from messenger.core.schema import Problem
from messenger.core.shapes import Output
from messenger.core.socket import Ref, ServerFrame


class Heartbeat(Output):
    """How the server detects a dead connection, in seconds."""

    interval: int = Field(gt=0, description="A `ping` is sent at least this often.")
    timeout: int = Field(gt=0, description="A `ping` unanswered for longer closes the socket.")


class Limits(Output):
    """What one connection may send."""

    text: int = Field(gt=0, description="Characters of a message.")
    frame: int = Field(gt=0, description="Bytes of a frame.")
    messages_per_10s: int = Field(
        gt=0, description="Messages accepted from one person within ten seconds, after a pause."
    )


def _terms() -> dict[str, Any]:
    """What the settings say of heartbeat and limits."""
    messages = limits.MESSAGES
    return {
        "heartbeat": settings.SOCKET_HEARTBEAT,
        "limits": {
            "text": settings.MESSAGE_TEXT_LIMIT,
            "frame": settings.SOCKET_FRAME_LIMIT,
            "messages_per_10s": int(messages.burst + 10 * messages.rate),
        },
    }


class ConnectedFrame(ServerFrame):
    """The first frame: the identity of the connection, and the limits that apply to it."""

    type: Literal["connected"]
    user_id: UUID = Field(description="Whose connection this is.")
    connection_id: UUID = Field(
        description="Identifies this connection; the `request_id` of its errors."
    )
    protocol: Literal[1] = Field(description="The protocol's version.")
    server_time: datetime = Field(description="The server's clock.")
    heartbeat: Heartbeat = Field(description="See there.")
    limits: Limits = Field(description="See there.")
    example: ClassVar[dict[str, Any]] = {
        "user_id": ALICE,
        "connection_id": CONNECTION,
        "protocol": 1,
        "server_time": CREATED_AT,
        **_terms(),
    }


def connected(user_id: UUID, connection_id: str) -> dict[str, Any]:
    return {
        "type": "connected",
        "user_id": user_id,
        "connection_id": connection_id,
        "protocol": 1,
        "server_time": timezone.now(),
        **_terms(),
    }


class PresenceFrame(ServerFrame):
    """A person who shares a chat with you has come online or gone offline, as far as their privacy
    settings show it."""

    type: Literal["presence"]
    user_id: UUID = Field(description="The person.")
    status: Literal["online", "offline"] = Field(description="Their new status.")
    last_seen_at: datetime | None = Field(
        description="When they were last online; null while they are online, or where it is hidden."
    )
    example: ClassVar[dict[str, Any]] = {
        "user_id": BOB,
        "status": "offline",
        "last_seen_at": CHANGED_AT,
    }


def presence(user_id: UUID, *, is_online: bool, last_seen_at: datetime | None = None) -> str:
    """Encoded."""
    return dumps(
        {
            "type": "presence",
            "user_id": user_id,
            "status": "online" if is_online else "offline",
            "last_seen_at": last_seen_at,
        }
    )


class TokenExpiringFrame(ServerFrame):
    """Your access token expires soon: send `authenticate`, or the socket will be closed."""

    type: Literal["token_expiring"]
    example: ClassVar[dict[str, Any]] = {}


TOKEN_EXPIRING = dumps({"type": "token_expiring"})


class PingFrame(ServerFrame):
    """The heartbeat, and a checkpoint for what has arrived. Answer at once with `pong`."""

    type: Literal["ping"]
    n: int = Field(ge=1, description="Repeat it in the `pong`.")
    example: ClassVar[dict[str, Any]] = {"n": 3}


def ping(number: int) -> str:
    """Encoded."""
    return dumps({"type": "ping", "n": number})


class ErrorFrame(ServerFrame, Problem):
    """A frame of yours was refused or failed: as REST's problem, except for `type`."""

    type: Literal["error"]
    ref: Ref = ""
    example: ClassVar[dict[str, Any]] = {
        "title": "This message is too old to edit.",
        "status": 403,
        "detail": "This message is too old to edit.",
        "code": "edit_window_over",
        "retry": "never",
        "request_id": CONNECTION,
        "ref": REF,
    }


def error(refusal: DomainError, connection_id: str, ref: str = "") -> dict[str, Any]:
    """Built in the active language."""
    body = {**problem(refusal, connection_id), "type": "error"}
    return {**body, "ref": ref} if ref else body
