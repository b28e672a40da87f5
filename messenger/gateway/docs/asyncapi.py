"""The AsyncAPI 3.0 document, from the server's point of view: it receives what clients send."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from messenger.core.socket import Command, ServerFrame
from messenger.gateway import close_codes, protocol
from messenger.gateway.auth import BEARER_PREFIX, PROTOCOL
from messenger.gateway.commands import COMMANDS
from messenger.gateway.docs.schemas import PREFIX, definitions
from messenger.gateway.frames import ErrorFrame

CHANNEL = {"$ref": "#/channels/socket"}


def document() -> dict[str, Any]:
    """The whole document."""
    messages = {**_commands(), **_frames()}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": f"{settings.SITE_NAME} WebSocket protocol",
            "version": "1",
            "description": "JSON text frames at `/ws`, one object each; `type` says which. The"
            " page `protocol.md` explains order, gaps, the heartbeat and the limits.",
        },
        "defaultContentType": "application/json",
        "servers": {"site": _server()},
        "channels": {"socket": _channel(messages)},
        "operations": _operations(),
        "components": {
            "messages": messages,
            "schemas": definitions(),
            "securitySchemes": _security(),
        },
    }


def _server() -> dict[str, Any]:
    return {
        "host": "{host}",
        "protocol": "wss",
        "description": "Any installation; without TLS the protocol is `ws`.",
        "variables": {"host": {"description": "The host's name.", "default": "chat.example.org"}},
        "security": [{"$ref": f"#/components/securitySchemes/{name}"} for name in _security()],
    }


def _channel(messages: dict[str, Any]) -> dict[str, Any]:
    return {
        "address": "/ws",
        "title": "The socket",
        "description": "`/ws/` is the same.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
        "x-close-codes": {
            str(code): {"meaning": meaning.reason, "client": meaning.action}
            for code, meaning in sorted(close_codes.MEANING.items())
        },
    }


def _operations() -> dict[str, Any]:
    receives = {f"receive_{name}": _receive(command) for name, command in COMMANDS.items()}
    sends = {
        f"send_{frame.wire_type()}": {
            "action": "send",
            "channel": CHANNEL,
            "summary": frame.__doc__,
            "messages": [_in_channel(frame.__name__)],
        }
        for frame in protocol.FRAMES
        if frame.wire_type() != "ack"  # only ever an answer
    }
    return {**receives, **sends}


def _receive(command: Command) -> dict[str, Any]:
    answers: tuple[type[ServerFrame], ...] = (*command.answers, ErrorFrame)
    operation: dict[str, Any] = {
        "action": "receive",
        "channel": CHANNEL,
        "summary": command.summary,
        "messages": [_in_channel(protocol.command_frames()[command.name].__name__)],
        "reply": {
            "channel": CHANNEL,
            "messages": [_in_channel(one.__name__) for one in answers],
        },
        "x-who": command.who.value,
    }
    if command.mode.limit is not None:
        operation["x-rate-limit"] = str(command.mode.limit)
    return operation


def _commands() -> dict[str, Any]:
    return {
        shape.__name__: _message(
            name, shape.__name__, COMMANDS[name].summary, COMMANDS[name].example_frame(), True
        )
        for name, shape in protocol.command_frames().items()
    }


def _frames() -> dict[str, Any]:
    return {frame.__name__: _frame(frame) for frame in protocol.FRAMES}


def _frame(frame: type[ServerFrame]) -> dict[str, Any]:
    return _message(
        frame.wire_type(),
        frame.__name__,
        frame.__doc__ or "",
        frame.example_frame(),
        "ref" in frame.model_fields,
    )


def _message(
    kind: str, schema: str, summary: str, example: dict[str, Any], has_ref: bool
) -> dict[str, Any]:
    message = {
        "name": kind,
        "summary": summary,
        "contentType": "application/json",
        "payload": {"$ref": PREFIX + schema},
        "examples": [{"payload": example}],
    }
    if has_ref:
        message["correlationId"] = {"location": "$message.payload#/ref"}
    return message


def _in_channel(message: str) -> dict[str, str]:
    return {"$ref": f"#/channels/socket/messages/{message}"}


def _security() -> dict[str, Any]:
    return {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token in the `Authorization` header.",
        },
        "subprotocol": {
            "type": "httpApiKey",
            "in": "header",
            "name": "Sec-WebSocket-Protocol",
            "description": f"For browsers with a token: `{PROTOCOL}, {BEARER_PREFIX}<access token>`"
            f"; the server selects `{PROTOCOL}`.",
        },
        "cookie": {
            "type": "httpApiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": "The site's session; `Origin` must be the site's own.",
        },
    }
