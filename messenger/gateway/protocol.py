"""The WebSocket protocol as a whole: all commands and frames, and a strict reader of frames.

`docs/protocol.md` and `docs/asyncapi.json` are generated from it, and the suite reads every frame
that it receives with `read_frame`.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any, Literal

from pydantic import TypeAdapter, create_model

from messenger.core.errors import InvalidInput, ServerError, Unavailable
from messenger.core.shapes import Input
from messenger.core.socket import Command, Ref, Refusal, ServerFrame, frame_classes
from messenger.gateway.commands import COMMANDS
from messenger.gateway.frames import ErrorFrame

# Any frame can be malformed, and any can meet an unavailable database or a defect of the server.
COMMON_ERRORS: tuple[Refusal, ...] = (InvalidInput, Unavailable, ServerError)
FRAMES: tuple[type[ServerFrame], ...] = tuple(frame_classes())


def frame_types() -> set[str]:
    """Every `type` that the server sends."""
    return {frame.wire_type() for frame in FRAMES}


def read_frame(text: str) -> ServerFrame:
    """A frame of the server as the class that declares it.

    Raises `ValueError` for a frame, a field or an error code that is not declared.
    """
    kind = json.loads(text)["type"]
    if kind not in frame_types():
        raise ValueError(f"the protocol declares no frame of type {kind!r}")
    frame: ServerFrame = _adapter(kind).validate_json(text, strict=True)
    if isinstance(frame, ErrorFrame) and frame.code not in error_codes():
        raise ValueError(f"the protocol declares no error with the code {frame.code!r}")
    return frame


@cache
def _adapter(kind: str) -> TypeAdapter[Any]:
    shapes = [frame for frame in FRAMES if frame.wire_type() == kind]
    union: Any = shapes[0]
    for shape in shapes[1:]:
        union |= shape
    return TypeAdapter(union)


@cache
def command_frames() -> dict[str, type[Input]]:
    """Each command's shape with `type` and `ref`, as it is sent."""
    return {name: _with_envelope(command) for name, command in COMMANDS.items()}


def _with_envelope(command: Command) -> type[Input]:
    fields: dict[str, Any] = {"type": (Literal[command.name], ...), "ref": (Ref, "")}
    return create_model(
        f"{command.name.title().replace('_', '')}Command",
        __base__=command.shape,
        __doc__=command.summary,
        **fields,
    )


def all_errors() -> dict[str, Refusal]:
    """Code → error, for every `error` frame that the server can send."""
    found = [*COMMON_ERRORS, *(error for one in COMMANDS.values() for error in one.refusals)]
    return {error.code: error for error in found}


@cache
def error_codes() -> frozenset[str]:
    """The codes of `all_errors`."""
    return frozenset(all_errors())
