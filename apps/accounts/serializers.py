"""The wire shapes of people, tokens and login sessions."""

from __future__ import annotations

import zoneinfo
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Literal
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from pydantic import AfterValidator, Field, StrictBool, StringConstraints
from pydantic_core import PydanticCustomError

from apps.accounts.models import USERNAME_PATTERN, LoginSession, User, username_validators
from apps.accounts.rules import (
    PASSWORD_MAX_LENGTH,
    device_name,
    is_displayable,
)
from apps.accounts.tokens import TokenPair
from messenger.core.pagination import Page, PageQuery
from messenger.core.shapes import Input, Output


def _username(value: str) -> str:
    for validator in username_validators:
        try:
            validator(value)
        except ValidationError as error:
            raise PydanticCustomError("username", "{why}", {"why": error.message}) from None
    return value


def _email(value: str) -> str:
    try:
        # ASCII only: no two spellings of one mailbox that look alike.
        if not value.isascii():
            raise ValidationError("")
        validate_email(value)
    except ValidationError:
        raise PydanticCustomError("email", "Enter a valid e-mail address.") from None
    return value.lower()


def _one_line(value: str) -> str:
    if not is_displayable(value):
        raise PydanticCustomError("characters", "Control characters are not allowed.")
    return value


def _text(value: str) -> str:
    if not is_displayable(value, multiline=True):
        raise PydanticCustomError("characters", "Control characters are not allowed.")
    return value


def _time_zone(value: str) -> str:
    if value not in time_zones():
        raise PydanticCustomError("time_zone", "There is no such time zone.")
    return value


@cache
def time_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


Username = Annotated[
    str,
    Field(
        min_length=3,
        max_length=32,
        pattern=USERNAME_PATTERN,
        examples=["alice"],
        description="Latin letters, digits, dots and underscores; unique without regard to case.",
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
# A space at either end belongs to the password.
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


class RegisterInput(Input):
    username: Username
    email: Email
    password: NewPassword


class LoginInput(Input):
    login: str = Field(
        min_length=1, max_length=254, description="Username or e-mail address.", examples=["alice"]
    )
    password: Password
    otp: str | None = Field(
        default=None,
        min_length=1,
        max_length=32,
        description="Code of the authenticator app, or a recovery code, where two-factor is on.",
        examples=["123456"],
    )


class RefreshInput(Input):
    refresh: Token


class LogoutInput(Input):
    refresh: Token | None = Field(
        default=None, description="Ends this token's session instead of the caller's."
    )


class PasswordChangeInput(Input):
    password: Password = Field(description="The present one.")
    new_password: NewPassword


class PasswordResetInput(Input):
    email: Email


class PasswordResetConfirmInput(Input):
    key: Key = Field(description="`<uid>-<token>` out of the link in the mail.")
    password: NewPassword


class EmailConfirmInput(Input):
    key: Key = Field(description="The last part of the link in the mail.")


class UserUpdateInput(Input):
    """Only what is given changes."""

    display_name: Annotated[str, Field(max_length=80), AfterValidator(_one_line)] = Field(
        default_factory=str, description="What others see; the username where it is empty."
    )
    bio: Annotated[str, Field(max_length=500), AfterValidator(_text)] = Field(default_factory=str)
    locale: Locale = Field(default_factory=lambda: "en")
    time_zone: Annotated[str, Field(max_length=64), AfterValidator(_time_zone)] = Field(
        default_factory=lambda: "UTC", description="IANA name.", examples=["Europe/Berlin"]
    )
    last_seen_visibility: LastSeenVisibility = Field(
        default_factory=lambda: "everyone", description="Who sees when I was last here."
    )
    writes_from: WritesFrom = Field(
        default_factory=lambda: "everyone", description="Who may open a chat with me."
    )
    found_by_email: StrictBool = Field(
        default_factory=bool, description="May people who know my whole e-mail address find me?"
    )


class UserDeleteInput(Input):
    password: Password


class PeopleQuery(PageQuery):
    search: str = Field(
        min_length=1,
        max_length=254,
        description=(
            "Beginning of a username or display name, without regard to case; or a whole e-mail "
            "address, which finds people who allow it."
        ),
    )


class PersonOut(Output):
    """What everybody may see of a person."""

    id: UUID
    username: str
    display_name: str = Field(description="Empty where the person has not set one.")
    bio: str
    avatar: str | None = Field(description="Address of the picture; null where there is none.")
    created_at: datetime
    deleted: bool = Field(description="The account is gone; only its messages are left.")


class UserOut(PersonOut):
    """What people see of themselves."""

    email: str
    email_confirmed: bool
    locale: Locale
    time_zone: str
    last_seen_visibility: LastSeenVisibility
    writes_from: WritesFrom
    found_by_email: bool
    is_staff: bool


class PeoplePage(Page):
    items: list[PersonOut]


class TokensOut(Output):
    access: str = Field(description="For `Authorization: Bearer`; 15 minutes.")
    refresh: str = Field(description="For the next pair; 30 days, one use.")


class SignedInOut(TokensOut):
    user: UserOut


class RegisteredOut(Output):
    """Signed in at once; or only `detail`, where the address must be confirmed first."""

    user: UserOut | None = None
    access: str | None = None
    refresh: str | None = None
    detail: str | None = None


class DetailOut(Output):
    detail: str = Field(description="A sentence to show.")


class LoginSessionOut(Output):
    """One device on which I am signed in."""

    id: UUID
    kind: Literal["api", "browser"]
    name: str = Field(description="Browser and system, or the program's name; may be empty.")
    ip_address: str | None
    created_at: datetime
    last_seen_at: datetime
    current: bool = Field(description="This is the session that asks.")


class LoginSessionsPage(Page):
    items: list[LoginSessionOut]


def person_out(person: User) -> dict[str, Any]:
    """`PersonOut` as a plain dict."""
    return {
        "id": person.id,
        "username": person.username,
        "display_name": person.display_name,
        "bio": person.bio,
        "avatar": None,
        "created_at": person.date_joined,
        "deleted": person.deleted_at is not None,
    }


def user_out(user: User, *, email_confirmed: bool) -> dict[str, Any]:
    """`UserOut` as a plain dict."""
    return {
        **person_out(user),
        "email": user.email,
        "email_confirmed": email_confirmed,
        "locale": user.locale,
        "time_zone": user.time_zone,
        "last_seen_visibility": user.last_seen_visibility,
        "writes_from": user.writes_from,
        "found_by_email": user.found_by_email,
        "is_staff": user.is_staff,
    }


def tokens_out(pair: TokenPair) -> dict[str, Any]:
    """`TokensOut` as a plain dict."""
    return {"access": pair.access, "refresh": pair.refresh}


def signed_in_out(user: User, pair: TokenPair, email_confirmed: bool) -> dict[str, Any]:
    """`SignedInOut` as a plain dict."""
    return {"user": user_out(user, email_confirmed=email_confirmed), **tokens_out(pair)}


def login_session_out(session: LoginSession, current_id: UUID) -> dict[str, Any]:
    """`LoginSessionOut` as a plain dict."""
    return {
        "id": session.id,
        "kind": session.kind,
        "name": device_name(session.user_agent),
        "ip_address": session.ip_address,
        "created_at": session.created_at,
        "last_seen_at": session.last_seen_at,
        "current": session.id == current_id,
    }
