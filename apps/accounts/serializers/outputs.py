"""Output shapes of people, tokens and login sessions."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from apps.accounts.models import Block, LoginSession, User
from apps.accounts.rules import device_name
from apps.accounts.serializers.fields import LastSeenVisibility, Locale, WritesFrom
from apps.accounts.tokens import TokenPair
from messenger.core.pagination import Page
from messenger.core.shapes import Output


class PersonOut(Output):
    """The public profile of a person."""

    id: UUID
    username: str
    display_name: str = Field(description="Empty unless the person has set one.")
    bio: str
    avatar: str | None = Field(description="URL of the picture, or null.")
    created_at: datetime
    deleted: bool = Field(description="Whether the account was deleted.")


class ProfileOut(PersonOut):
    """Profile with presence, as shown to people who share a chat."""

    status: Literal["online", "offline"] | None = Field(
        description="Null where it is hidden or unknown."
    )
    last_seen_at: datetime | None = Field(
        description="When they were last online; null while they are online, or where it is hidden."
    )


class UserOut(PersonOut):
    """My account."""

    email: str
    email_confirmed: bool
    locale: Locale
    time_zone: str
    last_seen_visibility: LastSeenVisibility
    writes_from: WritesFrom
    found_by_email: bool
    email_digest: bool
    push_shows_text: bool
    is_staff: bool


class PeoplePage(Page):
    items: list[PersonOut]


class BlockOut(Output):
    """A person whom I have blocked."""

    user: PersonOut
    created_at: datetime = Field(description="When I blocked the person.")


class BlocksPage(Page):
    items: list[BlockOut]


class TokensOut(Output):
    access: str = Field(description="For `Authorization: Bearer`; valid for 15 minutes.")
    refresh: str = Field(description="For the next pair; valid for 30 days and one use.")


class SignedInOut(TokensOut):
    user: UserOut


class RegisteredOut(Output):
    """Tokens and account; or only `detail`, where the address must be confirmed first."""

    user: UserOut | None = None
    access: str | None = None
    refresh: str | None = None
    detail: str | None = None


class DetailOut(Output):
    detail: str = Field(description="A sentence to show to the user.")


class LoginSessionOut(Output):
    """A login session."""

    id: UUID
    kind: Literal["api", "browser"]
    name: str = Field(description="Browser and system, or the name of the program; may be empty.")
    ip_address: str | None
    created_at: datetime
    last_seen_at: datetime
    current: bool = Field(description="Whether this is the calling session.")


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


def block_out(block: Block) -> dict[str, Any]:
    """`BlockOut` as a plain dict; needs `blocked` loaded."""
    return {"user": person_out(block.blocked), "created_at": block.created_at}


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
        "email_digest": user.email_digest,
        "push_shows_text": user.push_shows_text,
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
