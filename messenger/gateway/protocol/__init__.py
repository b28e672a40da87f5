"""The WebSocket protocol as code, in one place: both directions, examples, and a reader.

`docs/protocol.md` and `docs/asyncapi.json` are made from it, and the suite reads every frame
that it receives with `read_frame`.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any, Literal, get_args

from pydantic import TypeAdapter, create_model

from messenger.core.shapes import Input, Output
from messenger.gateway.commands import COMMANDS
from messenger.gateway.protocol import frames
from messenger.gateway.protocol.exchanges import COMMON_ERRORS, EXCHANGES, Exchange, Refusal

FRAMES: tuple[type[Output], ...] = (
    frames.ConnectedFrame,
    frames.SyncDoneFrame,
    frames.ResyncFrame,
    frames.MessageAck,
    frames.EditAck,
    frames.DeleteAck,
    frames.MessageFrame,
    frames.MessageEditedFrame,
    frames.MessageDeletedFrame,
    frames.ReceiptFrame,
    frames.TypingFrame,
    frames.PresenceFrame,
    frames.ChatCreatedFrame,
    frames.ChatUpdatedFrame,
    frames.ChatRemovedFrame,
    frames.ParticipantJoinedFrame,
    frames.ParticipantLeftFrame,
    frames.ChatPreferencesFrame,
    frames.NotificationFrame,
    frames.TokenExpiringFrame,
    frames.PingFrame,
    frames.ErrorFrame,
)


def type_of(frame: type[Output | Input]) -> str:
    """The `type` on the wire of a frame's class."""
    name: str = get_args(frame.model_fields["type"].annotation)[0]
    return name


def frame_types() -> set[str]:
    """Every `type` that the server sends."""
    return {type_of(frame) for frame in FRAMES}


def read_frame(text: str) -> Output:
    """What the server said, as the class that describes it.

    Strict: a frame, a field or an error code that is not described raises `ValueError`.
    """
    kind = json.loads(text)["type"]
    if kind not in frame_types():
        raise ValueError(f"the protocol describes no frame of type {kind!r}")
    frame = _adapter(kind).validate_json(text, strict=True)
    if isinstance(frame, frames.ErrorFrame) and frame.code not in error_codes():
        raise ValueError(f"the protocol describes no error with the code {frame.code!r}")
    return frame


@cache
def _adapter(kind: str) -> TypeAdapter[Any]:
    shapes = tuple(frame for frame in FRAMES if type_of(frame) == kind)
    union: Any = shapes[0]
    for shape in shapes[1:]:
        union |= shape
    return TypeAdapter(union)


@cache
def command_frames() -> dict[str, type[Input]]:
    """Each command's shape with `type` and `ref`, as it goes over the wire."""
    return {name: _with_envelope(name, command.shape) for name, command in COMMANDS.items()}


def _with_envelope(name: str, shape: type[Input]) -> type[Input]:
    fields: dict[str, Any] = {"type": (Literal[name], ...), "ref": (frames.Ref, "")}
    return create_model(
        f"{name.title().replace('_', '')}Command",
        __base__=shape,
        __doc__=EXCHANGES[name].says,
        **fields,
    )


def all_errors() -> dict[str, Refusal]:
    """Code → error, for everything that an `error` frame can say."""
    found = [*COMMON_ERRORS, *(error for one in EXCHANGES.values() for error in one.errors)]
    return {error.code: error for error in found}


@cache
def error_codes() -> frozenset[str]:
    """The codes of `all_errors`."""
    return frozenset(all_errors())


__all__ = [
    "COMMON_ERRORS",
    "EXCHANGES",
    "FRAMES",
    "Exchange",
    "all_errors",
    "command_frames",
    "error_codes",
    "frame_types",
    "read_frame",
    "type_of",
]
