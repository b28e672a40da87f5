"""The frames about messages: each class with the function that builds it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from apps.chats.models import Chat
from apps.chats.selectors import visibility_floors
from apps.messages.models import Message
from apps.messages.serializers import MessageOut
from messenger.core.examples import ALICE, BOB, CHANGED_AT, CHAT, CREATED_AT, MESSAGE
from messenger.core.json import dumps
from messenger.core.live import Frame, chat_group
from messenger.core.socket import ServerFrame

ChatId = Annotated[UUID, Field(description="The chat.")]
MessageId = Annotated[UUID, Field(description="The message.")]
Seq = Annotated[int, Field(ge=1, description="The message's position in the chat.")]
Rev = Annotated[int, Field(ge=1, description="The chat's number of this change.")]
Cursor = Annotated[int, Field(ge=0)]
IDS = {"message_id": MESSAGE, "chat_id": CHAT}


class MessageFrame(ServerFrame, MessageOut):
    """A message as REST shows it, for every participant's connections but the one that sent it."""

    type: Literal["message"]
    example: ClassVar[dict[str, Any]] = {
        "id": MESSAGE,
        "chat_id": CHAT,
        "seq": 42,
        "rev": 0,
        "sender_id": ALICE,
        "text": "Tea at five?",
        "reply_to": None,
        "mentions": [],
        "sent_at": "2026-03-01T09:29:59.900000Z",
        "created_at": CREATED_AT,
        "updated_at": CREATED_AT,
        "edited_at": None,
        "deleted_at": None,
        "delivered_at": None,
        "read_at": None,
    }


def message_text(message: dict[str, Any]) -> str:
    """Encoded, from a `MessageOut`."""
    return dumps({"type": "message", **message})


class MessageEditedFrame(ServerFrame):
    """A message has a new text."""

    type: Literal["message_edited"]
    chat_id: ChatId
    message_id: MessageId
    seq: Seq
    rev: Rev
    text: str = Field(description="The new text.")
    mentions: list[UUID] = Field(description="The participants mentioned with @ in the new text.")
    edited_at: datetime = Field(description="When it was edited.")
    example: ClassVar[dict[str, Any]] = {
        **IDS,
        "seq": 42,
        "rev": 7,
        "text": "Tea at six, @bob?",
        "mentions": [BOB],
        "edited_at": CHANGED_AT,
    }


class MessageDeletedFrame(ServerFrame):
    """A message was deleted for everyone; its `seq` is not used again."""

    type: Literal["message_deleted"]
    chat_id: ChatId
    message_id: MessageId
    seq: Seq
    rev: Rev
    deleted_at: datetime = Field(description="When it was deleted.")
    example: ClassVar[dict[str, Any]] = {**IDS, "seq": 42, "rev": 8, "deleted_at": CHANGED_AT}


def change_text(message: Message) -> str:
    """`message_edited` or `message_deleted`, depending on the message's state; encoded."""
    if message.deleted_at:
        change = {"type": "message_deleted", "deleted_at": message.deleted_at}
    else:
        change = {
            "type": "message_edited",
            "text": message.text,
            "mentions": message.mentions,
            "edited_at": message.edited_at,
        }
    ids = {"chat_id": message.chat_id, "message_id": message.id, "seq": message.seq}
    return dumps({**change, **ids, "rev": message.rev})


def changed(message: Message, chat: Chat, connection_id: str = "") -> Frame:
    """For everyone who may see the message, except the connection that gets the ack."""
    floors = visibility_floors(message.chat_id)
    return Frame(
        chat_group(message.chat_id),
        change_text(message),
        rev=message.rev,
        members_rev=chat.members_rev,
        skip=connection_id,
        hidden_from=tuple(str(one) for one, floor in floors.items() if floor >= message.seq),
    )


class ReceiptFrame(ServerFrame):
    """How far one participant has received and read a chat; sent to all, that person included."""

    type: Literal["receipt"]
    chat_id: ChatId
    user_id: UUID = Field(description="The person.")
    delivered_seq: Cursor = Field(description="Everything up to here was delivered to them.")
    read_seq: Cursor = Field(description="Everything up to here was read by them.")
    at: datetime = Field(description="When the cursor moved.")
    example: ClassVar[dict[str, Any]] = {
        "chat_id": CHAT,
        "user_id": BOB,
        "delivered_seq": 42,
        "read_seq": 40,
        "at": CHANGED_AT,
    }


def receipt(
    chat_id: UUID,
    user_id: UUID,
    cursors: tuple[int, int],
    at: datetime,
    members_rev: int,
) -> Frame:
    """For every participant; `cursors` are `delivered_seq` and `read_seq`."""
    body = {
        "type": "receipt",
        "chat_id": chat_id,
        "user_id": user_id,
        "delivered_seq": cursors[0],
        "read_seq": cursors[1],
        "at": at,
    }
    return Frame(chat_group(chat_id), dumps(body), members_rev=members_rev)


class ResyncFrame(ServerFrame):
    """Frames were left out, because there were too many or the connection was too slow: read the
    chats through REST."""

    type: Literal["resync"]
    chats: list[UUID] | None = Field(description="The chats to read again; null: all of them.")
    example: ClassVar[dict[str, Any]] = {"chats": [CHAT]}


def resync(chat_ids: list[UUID] | None) -> str:
    """Encoded."""
    return dumps({"type": "resync", "chats": chat_ids})
