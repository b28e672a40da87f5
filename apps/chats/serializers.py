"""Wire shapes of chats and participants."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field, StrictBool, StringConstraints

from apps.accounts.serializers import ProfileOut, person_out
from apps.accounts.serializers.fields import one_line, plain_text
from apps.chats.models import Chat, Participant
from messenger.core.pagination import Page
from messenger.core.shapes import Input, Output

Title = Annotated[str, StringConstraints(min_length=1, max_length=120), AfterValidator(one_line)]
Description = Annotated[str, StringConstraints(max_length=500), AfterValidator(plain_text)]
Members = Annotated[list[UUID], Field(max_length=1000)]

Notify = Literal["all", "mentions", "none"]


def _plausible(value: datetime) -> datetime:
    if not 2000 <= value.year < 9999:
        raise ValueError("the year must lie between 2000 and 9998")
    return value.astimezone(UTC)


class DirectChatInput(Input):
    """Open the direct chat with one person."""

    kind: Literal["direct"]
    user_id: UUID = Field(description="The other person.")


class GroupChatInput(Input):
    """Make a group."""

    kind: Literal["group"]
    title: Title
    description: Description = ""
    member_ids: Members = Field(default_factory=list, description="Up to 1,000 people beside you.")
    shares_history: StrictBool = Field(
        default=False, description="Whether newcomers see the messages from before they joined."
    )


class ChatPatchInput(Input):
    """Change a group; omitted fields stay."""

    title: Title | None = None
    description: Description | None = None
    shares_history: StrictBool | None = None


class ParticipantsInput(Input):
    """Add people to a group."""

    user_ids: Annotated[list[UUID], Field(min_length=1, max_length=1000)]


class RoleInput(Input):
    """Give a participant a role; `owner` hands the group over."""

    role: Literal["owner", "admin", "member"]


class PreferencesInput(Input):
    """My preferences for a chat; omitted fields stay."""

    muted_until: Annotated[AwareDatetime, AfterValidator(_plausible)] | None = Field(
        default=None,
        description="Muted until then; null: not muted. For good: a date far in the future.",
    )
    notify: Notify = Field(
        default_factory=lambda: "all",
        description="Which messages notify me while I am offline: `mentions` only those of me.",
    )
    pinned: StrictBool = Field(default_factory=bool, description="Pinned to the top of my list.")
    archived: StrictBool = Field(default_factory=bool, description="In the archive of my list.")
    draft: Annotated[str, StringConstraints(max_length=5000, strip_whitespace=False)] = Field(
        default_factory=str, description="Unsent text."
    )


class PreferencesOut(Output):
    """My preferences for a chat, invisible to others."""

    muted_until: datetime | None = Field(description="Muted until then.")
    notify: Notify = Field(description="Which messages notify while offline.")
    pinned: bool = Field(description="Pinned to the top of the list.")
    archived: bool = Field(description="In the archive of the list.")
    draft: str = Field(description="Unsent text.")


class TypingInput(Input):
    """`typing` on the socket."""

    chat_id: UUID = Field(description="A chat of mine.")


class ChatOut(Output):
    """A chat, as all its participants see it."""

    id: UUID
    kind: Literal["direct", "group"]
    title: str = Field(description="Empty for direct chats.")
    description: str
    created_by: UUID
    created_at: datetime
    updated_at: datetime
    participant_count: int
    shares_history: bool
    last_seq: int = Field(description="`seq` of the newest message; 0 when there is none.")
    last_rev: int = Field(description="Number of the newest change to a message.")
    last_message_at: datetime = Field(description="Sorts the chat list.")


class ParticipantOut(Output):
    """One participant of a chat, with their receipts."""

    user: ProfileOut
    role: Literal["owner", "admin", "member"]
    joined_at: datetime
    delivered_seq: int
    delivered_at: datetime | None
    read_seq: int
    read_at: datetime | None


class ParticipantPage(Page):
    items: list[ParticipantOut]


def chat_out(chat: Chat) -> dict[str, Any]:
    """A `ChatOut`."""
    return {
        "id": chat.id,
        "kind": chat.kind,
        "title": chat.title,
        "description": chat.description,
        "created_by": chat.created_by_id,
        "created_at": chat.created_at,
        "updated_at": chat.updated_at,
        "participant_count": chat.participant_count,
        "shares_history": chat.shares_history,
        "last_seq": chat.last_seq,
        "last_rev": chat.last_rev,
        "last_message_at": chat.last_message_at,
    }


def preferences_out(participant: Participant) -> dict[str, Any]:
    """A `PreferencesOut`."""
    return {
        "muted_until": participant.muted_until,
        "notify": participant.notify,
        "pinned": participant.pinned,
        "archived": participant.archived,
        "draft": participant.draft,
    }


def participant_out(participant: Participant, seen: dict[str, Any]) -> dict[str, Any]:
    """A `ParticipantOut`; needs `user` loaded. `seen` is the presence that the viewer may see."""
    return {
        "user": {**person_out(participant.user), **seen},
        "role": participant.role,
        "joined_at": participant.joined_at,
        "delivered_seq": participant.delivered_seq,
        "delivered_at": participant.delivered_at,
        "read_seq": participant.read_seq,
        "read_at": participant.read_at,
    }
