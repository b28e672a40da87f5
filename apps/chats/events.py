"""Facts about chats, as the outbox publishes them."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from messenger.core.events import Event


class ChatEvent(Event):
    """Any fact about one chat."""

    topic: ClassVar[str] = "chat.events"
    chat_id: UUID

    @property
    def aggregate_id(self) -> UUID:
        return self.chat_id


class ChatCreated(ChatEvent):
    """A direct chat or a group was created, with these members."""

    event_type: ClassVar[str] = "chat.created"
    kind: str
    title: str
    member_ids: list[UUID]


class ChatUpdated(ChatEvent):
    """A group's title or description changed."""

    event_type: ClassVar[str] = "chat.updated"
    title: str
    description: str


class ChatDeleted(ChatEvent):
    """A group was deleted, with all its messages."""

    event_type: ClassVar[str] = "chat.deleted"


class ParticipantJoined(ChatEvent):
    """A person joined a chat or was added."""

    event_type: ClassVar[str] = "chat.participant_joined"
    user_id: UUID
    role: str


class ParticipantLeft(ChatEvent):
    """A person left or was removed, with receipts up to `delivered_seq` and `read_seq`."""

    event_type: ClassVar[str] = "chat.participant_left"
    user_id: UUID
    delivered_seq: int
    read_seq: int


class RoleChanged(ChatEvent):
    """A participant's role in a group changed."""

    event_type: ClassVar[str] = "chat.role_changed"
    user_id: UUID
    role: str
