"""What the server says: one class for each frame, the truth for documents and tests.

The senders build plain dicts, for speed; the suite holds every frame it receives against these.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from apps.accounts.serializers import NotificationOut
from apps.chats.serializers import ChatOut, PreferencesOut
from apps.messages.serializers import MessageOut
from messenger.core.schema import Problem
from messenger.core.shapes import Output
from messenger.gateway.dispatch import REF_LIMIT


def _absent(schema: dict[str, Any]) -> None:
    """Not given at all rather than given empty: no default on the wire."""
    schema.pop("default", None)


Ref = Annotated[
    str,
    Field(
        max_length=REF_LIMIT,
        description="Any short string; the answer to the frame carries it back.",
        json_schema_extra=_absent,
    ),
]
ChatId = Annotated[UUID, Field(description="The chat.")]
UserId = Annotated[UUID, Field(description="The person.")]
MessageId = Annotated[UUID, Field(description="The message.")]
Seq = Annotated[int, Field(ge=1, description="The message's place in the chat.")]
Rev = Annotated[int, Field(ge=1, description="The chat's number of this change.")]
Cursor = Annotated[int, Field(ge=0)]
Role = Annotated[Literal["owner", "admin", "member"], Field(description="Their role.")]


class Heartbeat(Output):
    """How the server finds out that a connection is dead, in seconds."""

    interval: int = Field(gt=0, description="A `ping` comes at least this often.")
    timeout: int = Field(gt=0, description="A `ping` unanswered for longer closes the socket.")


class Limits(Output):
    """What one connection may send."""

    text: int = Field(gt=0, description="Characters of a message.")
    frame: int = Field(gt=0, description="Size of a frame.")
    messages_per_10s: int = Field(
        gt=0, description="Messages of one person that are accepted within ten quiet seconds."
    )


class ConnectedFrame(Output):
    """The first frame: who you are to the server, and its terms."""

    type: Literal["connected"]
    user_id: UUID = Field(description="Whose connection this is.")
    connection_id: UUID = Field(
        description="Names this connection; the `request_id` of its errors."
    )
    protocol: Literal[1] = Field(description="The protocol's version.")
    server_time: datetime = Field(description="The server's clock.")
    heartbeat: Heartbeat = Field(description="See there.")
    limits: Limits = Field(description="See there.")


class SyncDoneFrame(Output):
    """The end of a replay: of the handshake's, or of what `sync` asked for."""

    type: Literal["sync_done"]
    chats: dict[UUID, Cursor] = Field(
        description="Chat id → `seq` of its newest message, for every chat that was asked for"
        " (handshake: that had anything)."
    )
    revs: dict[UUID, Cursor] = Field(
        description="Chat id → `rev` of its newest change, for the same chats."
    )
    ref: Ref = ""


class ResyncFrame(Output):
    """There is more than a socket should be sent, or something was not sent: page through REST."""

    type: Literal["resync"]
    chats: list[UUID] | None = Field(description="The chats to read again; null: all of them.")


class MessageAck(Output):
    """The message is stored; with `duplicate`, it was there already and nothing has changed."""

    type: Literal["ack"]
    ref: Ref = ""
    message_id: MessageId
    chat_id: ChatId
    seq: Seq
    created_at: datetime = Field(description="When it was stored.")
    mentions: list[UUID] = Field(description="Who of the chat is named with @ in the text.")
    duplicate: bool = Field(description="Whether it had been stored by an earlier try.")


class EditAck(Output):
    """The new text is stored; the same text again changes nothing and is acknowledged as well."""

    type: Literal["ack"]
    ref: Ref = ""
    message_id: MessageId
    chat_id: ChatId
    rev: Cursor = Field(description="The chat's number of the message's last change; 0: none.")
    edited_at: datetime | None = Field(description="Null if the text never was another.")
    mentions: list[UUID] = Field(description="Who of the chat is named with @ in the text.")


class DeleteAck(Output):
    """The message is deleted for everyone; it may have been before."""

    type: Literal["ack"]
    ref: Ref = ""
    message_id: MessageId
    chat_id: ChatId
    rev: Rev
    deleted_at: datetime = Field(description="When it was deleted.")


class MessageFrame(MessageOut):
    """A message as REST shows it, for everybody in the chat but the connection that sent it."""

    type: Literal["message"]


class MessageEditedFrame(Output):
    """A message has a new text."""

    type: Literal["message_edited"]
    chat_id: ChatId
    message_id: MessageId
    seq: Seq
    rev: Rev
    text: str = Field(description="The text from now on.")
    mentions: list[UUID] = Field(description="Who of the chat it names with @ from now on.")
    edited_at: datetime = Field(description="When it was changed.")


class MessageDeletedFrame(Output):
    """A message was deleted for everyone; its `seq` stays taken."""

    type: Literal["message_deleted"]
    chat_id: ChatId
    message_id: MessageId
    seq: Seq
    rev: Rev
    deleted_at: datetime = Field(description="When it was deleted.")


class ReceiptFrame(Output):
    """How far one person has got with a chat, for everybody in it, that person included."""

    type: Literal["receipt"]
    chat_id: ChatId
    user_id: UserId
    delivered_seq: Cursor = Field(description="Everything up to here has reached them.")
    read_seq: Cursor = Field(description="Everything up to here has been read by them.")
    at: datetime = Field(description="When they got there.")


class TypingFrame(Output):
    """Somebody in the chat is writing. Nothing says when they stop: forget it after five seconds,
    or with their message."""

    type: Literal["typing"]
    chat_id: ChatId
    user_id: UserId


class PresenceFrame(Output):
    """Somebody who shares a chat with you has come or gone, as far as they let that be seen."""

    type: Literal["presence"]
    user_id: UserId
    status: Literal["online", "offline"] = Field(description="What they are from now on.")
    last_seen_at: datetime | None = Field(
        description="When they were last here; null while they are online, or where it is not told."
    )


class ChatCreatedFrame(Output):
    """You are in a chat from now on: it was made, or you were added. Its messages follow."""

    type: Literal["chat_created"]
    chat_id: ChatId
    chat: ChatOut = Field(description="The chat as REST shows it.")


class ChatUpdatedFrame(Output):
    """The chat's title, description or rules have changed."""

    type: Literal["chat_updated"]
    chat_id: ChatId
    chat: ChatOut = Field(description="The chat as REST shows it.")


class ChatRemovedFrame(Output):
    """You are in this chat no longer: you left, were removed, or it was deleted."""

    type: Literal["chat_removed"]
    chat_id: ChatId


class ParticipantJoinedFrame(Output):
    """Somebody came into the chat, or has a new role in it."""

    type: Literal["participant_joined"]
    chat_id: ChatId
    user_id: UserId
    role: Role


class ParticipantLeftFrame(Output):
    """Somebody has left the chat or was removed; told to those who stay."""

    type: Literal["participant_left"]
    chat_id: ChatId
    user_id: UserId


class ChatPreferencesFrame(PreferencesOut):
    """You have changed your preferences for a chat, on another of your connections perhaps."""

    type: Literal["chat_preferences"]
    chat_id: ChatId


class NotificationFrame(Output):
    """You are told of something outside the open chat; or fewer notifications are unread now."""

    type: Literal["notification"]
    notification: NotificationOut | None = Field(
        description="As REST lists it; null where only the count has changed."
    )
    unread_count: Cursor = Field(description="Your unread notifications.")


class TokenExpiringFrame(Output):
    """Your access ends soon: `authenticate`, or the socket will be closed."""

    type: Literal["token_expiring"]


class PingFrame(Output):
    """Are you there, and how much has arrived? Answer at once with `pong`."""

    type: Literal["ping"]
    n: int = Field(ge=1, description="Give it back in the `pong`.")


class ErrorFrame(Problem):
    """A frame of yours was refused or could not be carried out: REST's problem, but for `type`."""

    type: Literal["error"]
    ref: Ref = ""
