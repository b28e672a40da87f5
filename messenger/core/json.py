"""Strict JSON parsing and fast JSON encoding."""

from __future__ import annotations

import json
from collections.abc import Iterable
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


def member(name: str, value: Any) -> str:
    """One encoded member of an object, `"name":value`, for the two functions below."""
    return f"{dumps(name)}:{dumps(value)}"


def with_first_member(text: str, encoded: str) -> str:
    """Put an encoded member in front of the members of `text`; see `member`.

    `text` is an object as `dumps` encodes it; it is neither parsed nor checked. For messages, whose
    encoded text is stored and broadcast: encoding it twice would be the larger part of the work.
    """
    return f"{{{encoded}}}" if text == "{}" else f"{{{encoded},{text[1:]}"


def with_last_member(text: str, encoded: str) -> str:
    """Add an encoded member after the members of `text`, an object as `dumps` encodes it."""
    return f"{{{encoded}}}" if text == "{}" else f"{text[:-1]},{encoded}}}"


def array_of(texts: Iterable[str]) -> str:
    """An array whose items are encoded already."""
    return "[" + ",".join(texts) + "]"


def loads_guarded(source: str | bytes) -> Any:
    """Parse untrusted JSON.

    Raises `InvalidInput` for invalid JSON (RFC 8259), duplicate keys, NaN and infinities, numbers
    of absurd length, nesting deeper than 16, NUL and lone surrogates.
    """
    try:
        text = source.decode() if isinstance(source, bytes) else source
        value = _decoder.decode(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("This is not valid JSON.") from error
    guard(value)
    return value


def guard(value: Any) -> None:
    """Refuse text that PostgreSQL or UTF-8 cannot represent, and nesting deeper than `MAX_DEPTH`.

    Raises `InvalidInput`, which names the field.
    """
    flaw = _flaw(value, 0)
    if flaw is not None:
        path, code, detail = flaw
        raise InvalidInput(detail, errors=[{"field": path, "code": code, "detail": detail}])


Flaw = tuple[str, str, str]


def _flaw(value: Any, depth: int) -> Flaw | None:
    """The first flaw as (path, code, detail), or None."""
    if isinstance(value, str):
        return _text_flaw(value)
    if not isinstance(value, dict | list):
        return None
    if depth >= MAX_DEPTH:
        return "", "too_deep", "The input is nested too deeply."
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in pairs:
        if isinstance(key, str) and (flaw := _text_flaw(key)) is not None:
            return flaw
        if (flaw := _flaw(item, depth + 1)) is not None:
            return f"{key}.{flaw[0]}".rstrip("."), flaw[1], flaw[2]
    return None


def _text_flaw(text: str) -> Flaw | None:
    if "\x00" in text:
        return "", "nul", "The NUL character is not allowed."
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return "", "surrogate", "The text holds half of a surrogate pair."
    return None


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
