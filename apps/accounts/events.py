"""What happens to people, as facts for the outbox."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from messenger.core.events import Event


class PersonEvent(Event):
    """About one person, who is the aggregate."""

    topic: ClassVar[str] = "accounts.events"
    user_id: UUID

    @property
    def aggregate_id(self) -> UUID:
        return self.user_id


class UserRegistered(PersonEvent):
    """A person has an account now; the e-mail address is not yet confirmed."""

    event_type: ClassVar[str] = "user.registered"
    username: str
    display_name: str


class UserUpdated(PersonEvent):
    """The public profile changed, or the account was switched off or on."""

    event_type: ClassVar[str] = "user.updated"
    username: str
    display_name: str
    bio: str
    is_active: bool


class UserRolesChanged(PersonEvent):
    """Staff gave or took site-wide rights."""

    event_type: ClassVar[str] = "user.roles_changed"
    is_staff: bool
    is_superadmin: bool
    roles: list[str]


class UserBlocked(PersonEvent):
    """A person wants nothing more from another."""

    event_type: ClassVar[str] = "user.blocked"
    blocked_id: UUID


class UserUnblocked(PersonEvent):
    """A person has taken a block back."""

    event_type: ClassVar[str] = "user.unblocked"
    blocked_id: UUID


class UserDeleted(PersonEvent):
    """The account is anonymised for good; its messages stay, without a name."""

    event_type: ClassVar[str] = "user.deleted"
