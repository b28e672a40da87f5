"""The frames that answer the socket's commands: each class with the function that builds it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from apps.messages.models import Message
from apps.messages.services.frames import IDS, ChatId, Cursor, MessageId, Rev, Seq
from apps.messages.services.send import Sent
from messenger.core.examples import BOB, CHANGED_AT, CHAT, CREATED_AT, REF
from messenger.core.json import dumps
from messenger.core.socket import Ref, ServerFrame


class MessageAck(ServerFrame):
    """The message is stored; with `duplicate`, it was stored before and nothing has changed."""

    type: Literal["ack"]
    ref: Ref = ""
    message_id: MessageId
    chat_id: ChatId
    seq: Seq
    created_at: datetime = Field(description="When it was stored.")
    mentions: list[UUID] = Field(description="The participants mentioned with @ in the text.")
    duplicate: bool = Field(description="Whether an earlier attempt had stored it.")
    example: ClassVar[dict[str, Any]] = {
        "ref": REF,
        **IDS,
        "seq": 42,
        "created_at": CREATED_AT,
        "mentions": [],
        "duplicate": False,
    }


def message_ack(sent: Sent) -> dict[str, Any]:
    return {
        "type": "ack",
        "message_id": sent.message["id"],
        "chat_id": sent.message["chat_id"],
        "seq": sent.message["seq"],
        "created_at": sent.message["created_at"],
        "mentions": sent.message["mentions"],
        "duplicate": sent.duplicate,
    }


class EditAck(ServerFrame):
    """The new text is stored; an unchanged text is acknowledged as well."""

    type: Literal["ack"]
    ref: Ref = ""
    message_id: MessageId
    chat_id: ChatId
    rev: Cursor = Field(description="The chat's number of the message's last change; 0: none.")
    edited_at: datetime | None = Field(description="Null if the text has never changed.")
    mentions: list[UUID] = Field(description="The participants mentioned with @ in the text.")
    example: ClassVar[dict[str, Any]] = {
        "ref": REF,
        **IDS,
        "rev": 7,
        "edited_at": CHANGED_AT,
        "mentions": [BOB],
    }


def edit_ack(message: Message) -> dict[str, Any]:
    return {
        "type": "ack",
        "message_id": message.id,
        "chat_id": message.chat_id,
        "rev": message.rev,
        "edited_at": message.edited_at,
        "mentions": message.mentions,
    }


class DeleteAck(ServerFrame):
    """The message is deleted for everyone, by this command or an earlier one."""

    type: Literal["ack"]
    ref: Ref = ""
    message_id: MessageId
    chat_id: ChatId
    rev: Rev
    deleted_at: datetime = Field(description="When it was deleted.")
    example: ClassVar[dict[str, Any]] = {"ref": REF, **IDS, "rev": 8, "deleted_at": CHANGED_AT}


def delete_ack(message: Message) -> dict[str, Any]:
    return {
        "type": "ack",
        "message_id": message.id,
        "chat_id": message.chat_id,
        "rev": message.rev,
        "deleted_at": message.deleted_at,
    }


class SyncDoneFrame(ServerFrame):
    """The end of a replay: the handshake's, or the one that `sync` requested."""

    type: Literal["sync_done"]
    chats: dict[UUID, Cursor] = Field(
        description="Chat id → `seq` of its newest message, for every requested chat (handshake:"
        " every chat with unacknowledged messages)."
    )
    revs: dict[UUID, Cursor] = Field(
        description="Chat id → `rev` of its newest change, for the same chats."
    )
    ref: Ref = ""
    example: ClassVar[dict[str, Any]] = {"chats": {CHAT: 42}, "revs": {CHAT: 7}}


def sync_done(seqs: dict[UUID, int], revs: dict[UUID, int]) -> str:
    """Encoded. JSON's keys are strings."""
    return dumps(
        {
            "type": "sync_done",
            "chats": {str(chat_id): seq for chat_id, seq in seqs.items()},
            "revs": {str(chat_id): rev for chat_id, rev in revs.items()},
        }
    )
