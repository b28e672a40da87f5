"""Base classes of wire shapes, which REST, socket, broker and documents share."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from messenger.core.errors import InvalidInput

M = TypeVar("M", bound="Input")


class Input(BaseModel):
    """Input. Unknown fields are refused; types are not coerced."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Output(BaseModel):
    """Output. Entry points send plain dicts; tests validate them against these classes."""

    model_config = ConfigDict(extra="forbid")


def read_input(shape: type[M], data: Any) -> M:
    """Validate `data` as `shape`. Raises `InvalidInput`, which names each wrong field."""
    if not isinstance(data, dict):
        raise InvalidInput("The body must be a JSON object.")
    try:
        return shape.model_validate(data)
    except ValidationError as error:
        raise InvalidInput(errors=field_errors(error)) from None


def field_errors(error: ValidationError) -> list[dict[str, Any]]:
    """Pydantic's errors as `{field, code, detail}`, without the rejected values."""
    return [
        {
            "field": ".".join(str(part) for part in item["loc"]),
            "code": item["type"],
            "detail": item["msg"],
        }
        for item in error.errors(include_url=False, include_context=False, include_input=False)
    ]
