"""Input shapes of accounts."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, StrictBool

from apps.accounts.serializers.fields import (
    Email,
    Key,
    LastSeenVisibility,
    Locale,
    NewPassword,
    Password,
    Token,
    Username,
    WritesFrom,
    known_time_zone,
    one_line,
    plain_text,
)
from messenger.core.pagination import PageQuery
from messenger.core.shapes import Input


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
        default=None, description="Ends the session of this token instead of the caller's."
    )


class PasswordChangeInput(Input):
    password: Password = Field(description="The current password.")
    new_password: NewPassword


class PasswordResetInput(Input):
    email: Email


class PasswordResetConfirmInput(Input):
    key: Key = Field(description="`<uid>-<token>` from the link in the mail.")
    password: NewPassword


class EmailConfirmInput(Input):
    key: Key = Field(description="The last part of the link in the mail.")


class UserUpdateInput(Input):
    """Only given fields change."""

    display_name: Annotated[str, Field(max_length=80), AfterValidator(one_line)] = Field(
        default_factory=str, description="The name that others see; if empty, the username."
    )
    bio: Annotated[str, Field(max_length=500), AfterValidator(plain_text)] = Field(
        default_factory=str
    )
    locale: Locale = Field(default_factory=lambda: "en")
    time_zone: Annotated[str, Field(max_length=64), AfterValidator(known_time_zone)] = Field(
        default_factory=lambda: "UTC", description="IANA name.", examples=["Europe/Berlin"]
    )
    last_seen_visibility: LastSeenVisibility = Field(
        default_factory=lambda: "everyone", description="Who sees when I was last online."
    )
    writes_from: WritesFrom = Field(
        default_factory=lambda: "everyone", description="Who may open a chat with me."
    )
    found_by_email: StrictBool = Field(
        default_factory=bool,
        description="Whether people can find me by my complete e-mail address.",
    )
    email_digest: StrictBool = Field(
        default_factory=bool, description="Whether I get mails about unread messages."
    )
    push_shows_text: StrictBool = Field(
        default_factory=bool, description="Whether pushes and mails show message texts."
    )


class UserDeleteInput(Input):
    password: Password


class PeopleQuery(PageQuery):
    search: str = Field(
        min_length=1,
        max_length=254,
        description=(
            "Prefix of a username or display name, regardless of case; or a complete e-mail "
            "address, which finds people who allow it."
        ),
    )
