"""Facts about messages and receipts, as the outbox publishes them."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from apps.messages.serializers import MessageOut
from messenger.core.events import Event


class ChatAggregate(Event):
    """A fact about a chat's messages; ordered within the chat."""

    topic: ClassVar[str] = "message.sent"
    chat_id: UUID

    @property
    def aggregate_id(self) -> UUID:
        return self.chat_id


class MessageSent(MessageOut, ChatAggregate):
    """A message is stored; the payload is the message in its wire shape."""

    event_type: ClassVar[str] = "message.sent"
    written_in_sql: ClassVar[bool] = True


class MessageEdited(ChatAggregate):
    """The author edited a message."""

    event_type: ClassVar[str] = "message.edited"
    message_id: UUID
    seq: int
    rev: int
    text: str
    mentions: list[UUID]
    edited_at: datetime


class MessageDeleted(ChatAggregate):
    """A message was deleted for everyone; its `seq` stays taken."""

    event_type: ClassVar[str] = "message.deleted"
    message_id: UUID
    seq: int
    rev: int
    deleted_at: datetime


class CursorMoved(Event):
    """A participant's cursor passed messages of a chat; ordered within the recipient."""

    written_in_sql: ClassVar[bool] = True
    chat_id: UUID
    user_id: UUID
    from_seq: int
    to_seq: int
    at: datetime

    @property
    def aggregate_id(self) -> UUID:
        return self.user_id


class MessageDelivered(CursorMoved):
    """The messages `from_seq` to `to_seq` of a chat were delivered to one participant."""

    event_type: ClassVar[str] = "message.delivered"
    topic: ClassVar[str] = "message.delivered"


class MessageRead(CursorMoved):
    """One participant has read the messages `from_seq` to `to_seq` of a chat."""

    event_type: ClassVar[str] = "message.read"
    topic: ClassVar[str] = "message.sent"
