"""Domain events about users."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from messenger.core.events import Event


class PersonEvent(Event):
    """An event about one user, the aggregate."""

    topic: ClassVar[str] = "accounts.events"
    user_id: UUID

    @property
    def aggregate_id(self) -> UUID:
        return self.user_id


class UserRegistered(PersonEvent):
    """A user registered; the e-mail address is not confirmed yet."""

    event_type: ClassVar[str] = "user.registered"
    username: str
    display_name: str


class UserUpdated(PersonEvent):
    """The public profile changed, or the account was deactivated or activated."""

    event_type: ClassVar[str] = "user.updated"
    username: str
    display_name: str
    bio: str
    is_active: bool


class UserRolesChanged(PersonEvent):
    """Staff changed the user's site-wide rights."""

    event_type: ClassVar[str] = "user.roles_changed"
    is_staff: bool
    is_superadmin: bool
    roles: list[str]


class UserBlocked(PersonEvent):
    """A user blocked another one."""

    event_type: ClassVar[str] = "user.blocked"
    blocked_id: UUID


class UserUnblocked(PersonEvent):
    """A user removed a block."""

    event_type: ClassVar[str] = "user.unblocked"
    blocked_id: UUID


class UserDeleted(PersonEvent):
    """The account was anonymised permanently; its messages stay without a name."""

    event_type: ClassVar[str] = "user.deleted"
