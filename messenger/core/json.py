"""JSON in and out: strict where it comes in, fast where it goes out."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import orjson

from messenger.core.errors import InvalidInput

MAX_DEPTH = 16


def dumps(value: Any) -> str:
    """Compact JSON; UUIDs and aware datetimes (RFC 3339, UTC as `Z`) included."""
    return orjson.dumps(value, option=orjson.OPT_UTC_Z).decode()


def dumps_bytes(value: Any) -> bytes:
    """`dumps` as UTF-8 bytes."""
    return orjson.dumps(value, option=orjson.OPT_UTC_Z)


def loads_guarded(source: str | bytes) -> Any:
    """Parse what a stranger sent.

    Refuses, with `InvalidInput`: what is not JSON (RFC 8259), duplicate keys, NaN and
    infinities, numbers of absurd length, nesting deeper than 16, NUL and lone surrogates.
    """
    try:
        text = source.decode() if isinstance(source, bytes) else source
        value = _decoder.decode(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("This is not valid JSON.") from error
    guard(value)
    return value


def guard(value: Any, depth: int = 0) -> None:
    """Refuse text that PostgreSQL or UTF-8 cannot hold, and nesting deeper than `MAX_DEPTH`."""
    if isinstance(value, str):
        if "\x00" in value:
            raise InvalidInput("The NUL character is not allowed.")
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError as error:
                raise InvalidInput("The text holds half of a surrogate pair.") from error
    elif isinstance(value, dict):
        if depth >= MAX_DEPTH:
            raise InvalidInput("The input is nested too deeply.")
        for key, item in value.items():
            guard(key, depth + 1)
            guard(item, depth + 1)
    elif isinstance(value, list):
        if depth >= MAX_DEPTH:
            raise InvalidInput("The input is nested too deeply.")
        for item in value:
            guard(item, depth + 1)


def uuid_or_none(value: object) -> UUID | None:
    """A UUID from its canonical text, or None."""
    try:
        return UUID(str(value))
    except ValueError:
        return None


def _unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("duplicate key")
    return result


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


_decoder = json.JSONDecoder(object_pairs_hook=_unique_pairs, parse_constant=_refuse_constant)
