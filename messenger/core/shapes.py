"""The base of every wire shape: one pydantic class for REST, socket, broker and documents."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from messenger.core.errors import InvalidInput

M = TypeVar("M", bound="Input")


class Input(BaseModel):
    """What comes in: unknown fields are refused, nothing is coerced across types."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Output(BaseModel):
    """What goes out. The doors send plain dicts; tests hold them against these classes."""

    model_config = ConfigDict(extra="forbid")


def read_input(shape: type[M], data: Any) -> M:
    """`data` as `shape`, or `InvalidInput` naming each field that is wrong."""
    if not isinstance(data, dict):
        raise InvalidInput("The body must be a JSON object.")
    try:
        return shape.model_validate(data)
    except ValidationError as error:
        raise InvalidInput(errors=field_errors(error)) from None


def field_errors(error: ValidationError) -> list[dict[str, Any]]:
    """Pydantic's findings as `{field, code, detail}`; the rejected value is not repeated."""
    return [
        {
            "field": ".".join(str(part) for part in item["loc"]),
            "code": item["type"],
            "detail": item["msg"],
        }
        for item in error.errors(include_url=False, include_context=False, include_input=False)
    ]
