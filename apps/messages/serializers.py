"""Wire shapes of messages: input and output of REST, the socket and the broker."""

from __future__ import annotations

from datetime import UTC, datetime
from operator import attrgetter
from typing import Annotated, Any
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    Field,
    StrictInt,
    StringConstraints,
    model_validator,
)

from apps.accounts.serializers import ProfileOut
from apps.chats.serializers import ChatOut, PreferencesOut
from apps.messages.models import Message
from messenger.core.shapes import Input, Output

BIGINT_MAX = 2**63 - 1
Text = Annotated[
    str,
    StringConstraints(min_length=1, max_length=5000, strip_whitespace=True),
    Field(description="1 to 5,000 characters after stripping."),
]
Seq = Annotated[StrictInt, Field(ge=0, le=BIGINT_MAX)]
QuerySeq = Annotated[int, Field(ge=0, le=BIGINT_MAX)]


def _plausible(value: datetime) -> datetime:
    if not 2000 <= value.year < 2100:
        raise ValueError("the year must lie between 2000 and 2099")
    return value.astimezone(UTC)


ClientTime = Annotated[AwareDatetime, AfterValidator(_plausible)]


class MessageSendInput(Input):
    """Send a message; the same shape for every entry point."""

    message_id: UUID | None = Field(
        default=None,
        description="Created by the client: the idempotency key of retries.",
    )
    chat_id: UUID | None = Field(default=None, description="The chat; or name a recipient.")
    recipient_id: UUID | None = Field(
        default=None, description="Finds or makes the direct chat with this person."
    )
    text: Text
    reply_to: UUID | None = Field(default=None, description="A message of the same chat.")
    sent_at: ClientTime | None = Field(
        default=None, description="The client's clock; never decides order."
    )

    @model_validator(mode="after")
    def _one_address(self) -> MessageSendInput:
        if (self.chat_id is None) == (self.recipient_id is None):
            raise ValueError("give either chat_id or recipient_id")
        return self


class SocketSendInput(Input):
    """`message` on the socket: with the client's id, for an existing chat."""

    message_id: UUID = Field(description="Created by the client: the idempotency key of retries.")
    chat_id: UUID = Field(description="A chat of mine.")
    text: Text
    reply_to: UUID | None = Field(default=None, description="A message of the same chat.")
    sent_at: ClientTime | None = Field(
        default=None, description="The client's clock; never decides order."
    )


class MessageEditInput(Input):
    """A new text for one's own message."""

    text: Text


class SocketEditInput(MessageEditInput):
    """`edit_message` on the socket."""

    message_id: UUID = Field(description="A message of mine.")


class SocketDeleteInput(Input):
    """`delete_message` on the socket."""

    message_id: UUID = Field(description="My message, or one of a group that I administer.")


class CursorItem(Input):
    """All messages of one chat up to `seq`."""

    chat_id: UUID = Field(description="A chat of mine.")
    seq: Seq = Field(description="The last message; beyond the chat's end means its end.")


class CursorsInput(Input):
    """`read` and `delivered` on the socket: cumulative, several chats at once."""

    items: Annotated[
        list[CursorItem], Field(min_length=1, max_length=500, description="One for each chat.")
    ]


class ReadInput(Input):
    """Read up to here."""

    seq: Seq


class SyncPosition(Input):
    """A device's copy of one chat: messages up to `seq`, changes up to `rev`."""

    seq: Seq = Field(description="The last message of the copy; 0: none.")
    rev: Seq | None = Field(
        default=None, description="The last change of the copy; omitted: send no changes."
    )


class SyncInput(Input):
    """`sync` on the socket: per chat the last `seq` this device has, or `seq` and `rev`."""

    chats: Annotated[
        dict[UUID, Seq | SyncPosition],
        Field(max_length=5000, description="Chat id → position of this device's copy."),
    ]


class TimelineQuery(Input):
    """A window of a chat's messages, with at most one of the three positions."""

    chat_id: UUID
    before_seq: QuerySeq | None = Field(default=None, description="Older than this.")
    after_seq: QuerySeq | None = Field(default=None, description="Newer than this.")
    around_seq: QuerySeq | None = Field(default=None, description="Half older, half newer.")
    limit: int = Field(default=50, ge=1, le=100)

    @model_validator(mode="after")
    def _one_position(self) -> TimelineQuery:
        if sum(s is not None for s in (self.before_seq, self.after_seq, self.around_seq)) > 1:
            raise ValueError("give at most one of before_seq, after_seq and around_seq")
        return self


class MessageOut(Output):
    """A message, as all participants of the chat see it."""

    id: UUID = Field(description="Its `message_id`.")
    chat_id: UUID = Field(description="Its chat.")
    seq: int = Field(
        description="Position in the chat: from 1, without gaps. It alone defines the order."
    )
    rev: int = Field(description="The chat's change number of the last edit or deletion; else 0.")
    sender_id: UUID = Field(description="Its author.")
    text: str = Field(description="Empty once deleted.")
    reply_to: UUID | None = Field(description="The message of the same chat to which it replies.")
    mentions: list[UUID] = Field(description="Participants mentioned with @.")
    sent_at: datetime | None = Field(description="The sender's clock.")
    created_at: datetime = Field(description="When it was stored.")
    updated_at: datetime = Field(description="When it was stored, edited or deleted last.")
    edited_at: datetime | None = Field(description="When its text was changed last.")
    deleted_at: datetime | None = Field(description="When it was deleted.")
    delivered_at: datetime | None = Field(
        description="When it was delivered to the last other participant."
    )
    read_at: datetime | None = Field(description="When the last other participant read it.")


MODEL_FIELDS = {"reply_to": "reply_to_id"}  # where a field of `MessageOut` has another name


class TimelineOut(Output):
    """Messages in the chat's order, oldest first."""

    items: list[MessageOut]
    has_more_before: bool
    has_more_after: bool


class EarlierTextOut(Output):
    """An earlier text of the message."""

    text: str
    replaced_at: datetime


class HistoryOut(Output):
    """Earlier texts, oldest first."""

    items: list[EarlierTextOut]


class ReceiptOut(Output):
    """One participant's receipt of one message."""

    user_id: UUID
    delivered_at: datetime | None = Field(
        description="When the cursor that covers the message last moved; null: not yet."
    )
    read_at: datetime | None


class ReceiptsOut(Output):
    """Receipts of all participants except the sender."""

    items: list[ReceiptOut]


class InboxChatOut(ChatOut):
    """A chat in a person's list."""

    role: str
    hidden_seq: int = Field(description="Messages up to this `seq` are invisible to you.")
    delivered_seq: int
    read_seq: int
    unread_count: int = Field(description="Others' messages that you have not read.")
    mention_count: int = Field(description="Those of them that mention you.")
    preferences: PreferencesOut
    blocked: bool = Field(description="Of a direct chat: you have blocked the other person.")
    can_write: bool = Field(description="False where one of a direct chat's two blocks the other.")
    last_message: MessageOut | None
    peer: ProfileOut | None = Field(description="The other person of a direct chat.")


class InboxOut(Output):
    """My chats by last activity."""

    items: list[InboxChatOut]


# The wire shape of a message without values, for messages that are being stored.
EMPTY_MESSAGE: dict[str, Any] = {**dict.fromkeys(MessageOut.model_fields), "rev": 0}
_values = attrgetter(*(MODEL_FIELDS.get(name, name) for name in MessageOut.model_fields))


def message_out(message: Message) -> dict[str, Any]:
    """A `MessageOut`."""
    return dict(zip(MessageOut.model_fields, _values(message), strict=True))
