"""Fields of input shapes with their limits."""

from __future__ import annotations

import zoneinfo
from functools import cache
from typing import Annotated, Literal

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from apps.accounts.models import USERNAME_PATTERN, username_validators
from apps.accounts.rules import PASSWORD_MAX_LENGTH, is_displayable


def _username(value: str) -> str:
    for validator in username_validators:
        try:
            validator(value)
        except ValidationError as error:
            raise PydanticCustomError("username", "{why}", {"why": error.message}) from None
    return value


def _email(value: str) -> str:
    try:
        # ASCII only, so that no two addresses look alike.
        if not value.isascii():
            raise ValidationError("")
        validate_email(value)
    except ValidationError:
        raise PydanticCustomError("email", "Enter a valid e-mail address.") from None
    return value.lower()


def one_line(value: str) -> str:
    """Validate displayable text without line breaks."""
    if not is_displayable(value):
        raise PydanticCustomError("characters", "Control characters are not allowed.")
    return value


def plain_text(value: str) -> str:
    """Validate displayable text; line breaks are allowed."""
    if not is_displayable(value, multiline=True):
        raise PydanticCustomError("characters", "Control characters are not allowed.")
    return value


def known_time_zone(value: str) -> str:
    """Validate the name of an IANA time zone."""
    if value not in time_zones():
        raise PydanticCustomError("time_zone", "There is no such time zone.")
    return value


@cache
def time_zones() -> frozenset[str]:
    """The names of all IANA time zones known here; read from disk once."""
    return frozenset(zoneinfo.available_timezones())


Username = Annotated[
    str,
    Field(
        min_length=3,
        max_length=32,
        pattern=USERNAME_PATTERN,
        examples=["alice"],
        description="Latin letters, digits, dots and underscores; unique regardless of case.",
    ),
    AfterValidator(_username),
]
Email = Annotated[
    str,
    Field(
        max_length=254,
        examples=["alice@example.org"],
        json_schema_extra={"format": "email"},
    ),
    AfterValidator(_email),
]
# Spaces at the ends are part of the password.
NewPassword = Annotated[
    str,
    StringConstraints(strip_whitespace=False, min_length=8, max_length=PASSWORD_MAX_LENGTH),
    Field(
        description="At least 8 characters; not a common one, not all digits, not like the name.",
        examples=["correct horse battery"],
    ),
]
Password = Annotated[
    str, StringConstraints(strip_whitespace=False, min_length=1, max_length=PASSWORD_MAX_LENGTH)
]
Token = Annotated[str, Field(min_length=1, max_length=16_384)]
Key = Annotated[str, Field(min_length=1, max_length=512)]
LastSeenVisibility = Literal["everyone", "nobody"]
WritesFrom = Literal["everyone", "contacts"]
Locale = Literal["en", "ru"]
