"""What is told about people, tokens and login sessions."""

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
    """What everybody may see of a person."""

    id: UUID
    username: str
    display_name: str = Field(description="Empty where the person has not set one.")
    bio: str
    avatar: str | None = Field(description="Address of the picture; null where there is none.")
    created_at: datetime
    deleted: bool = Field(description="The account is gone; only its messages are left.")


class SeenPersonOut(PersonOut):
    """A person as those see them who share a chat with them."""

    status: Literal["online", "offline"] | None = Field(
        description="Null where that is not told, or not known just now."
    )
    last_seen_at: datetime | None = Field(
        description="When they were last here; null while they are online, or where it is not told."
    )


class UserOut(PersonOut):
    """What people see of themselves."""

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
    """Somebody whom I have blocked."""

    user: PersonOut
    created_at: datetime = Field(description="Since when.")


class BlocksPage(Page):
    items: list[BlockOut]


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


def block_out(block: Block) -> dict[str, Any]:
    """`BlockOut` as a plain dict; wants `blocked` loaded."""
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
