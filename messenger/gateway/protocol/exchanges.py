"""What each command does, and what it can be answered with."""

from __future__ import annotations

from dataclasses import dataclass

from apps.accounts.errors import InvalidToken, SessionEnded
from apps.chats.errors import NotAcceptingMessages, PersonBlocked
from apps.messages.errors import EditWindowOver, MessageDeleted, MessageIdConflict, NotAuthor
from messenger.core.errors import DomainError, InvalidInput, LimitExceeded, NotFound
from messenger.core.problems import from_status
from messenger.core.shapes import Output
from messenger.gateway.protocol import frames

Refusal = type[DomainError] | DomainError


@dataclass(frozen=True, slots=True)
class Exchange:
    """`says` is for the protocol's page; `answers` is empty where success is silent."""

    says: str
    answers: tuple[type[Output], ...] = ()
    errors: tuple[Refusal, ...] = ()


# Any frame can be malformed, and any can meet a database or a server in trouble.
COMMON_ERRORS: tuple[Refusal, ...] = (
    InvalidInput,
    from_status(503, code="unavailable"),
    from_status(500),
)

EXCHANGES: dict[str, Exchange] = {
    "message": Exchange(
        "Say something in a chat. The `ack` comes once it is stored for good. No `ack` came? Send"
        " the same `message_id` again: it is stored once, and the first text stays.",
        (frames.MessageAck,),
        (NotFound, MessageIdConflict, NotAcceptingMessages, PersonBlocked, LimitExceeded),
    ),
    "edit_message": Exchange(
        "Give a message of one's own a new text; the others get `message_edited`.",
        (frames.EditAck,),
        (
            NotFound,
            NotAuthor,
            MessageDeleted,
            EditWindowOver,
            NotAcceptingMessages,
            PersonBlocked,
        ),
    ),
    "delete_message": Exchange(
        "Delete a message for everyone; the others get `message_deleted`.",
        (frames.DeleteAck,),
        (NotFound, NotAuthor),
    ),
    "delivered": Exchange(
        "These chats have reached me up to here. Cumulative, and never moves back; the chats get"
        " `receipt`. No answer but an `error` for each chat that is not mine.",
        errors=(NotFound, LimitExceeded),
    ),
    "read": Exchange(
        "I have read these chats up to here, so they have reached me as well. Otherwise like"
        " `delivered`.",
        errors=(NotFound, LimitExceeded),
    ),
    "typing": Exchange(
        "I am writing in this chat; the others get `typing`. Say it at most every three seconds:"
        " more often it is passed over in silence. Not answered, but an `error` for a chat that"
        " is not mine.",
        errors=(NotFound,),
    ),
    "sync": Exchange(
        "Send me what this device has missed: messages, then changes to messages that it holds,"
        " then `resync` if there is too much, then `sync_done`. Chats that are not mine are passed"
        " over. Of these frames only `sync_done`, the answer, carries the `ref`.",
        (
            frames.MessageFrame,
            frames.MessageEditedFrame,
            frames.MessageDeletedFrame,
            frames.ResyncFrame,
            frames.SyncDoneFrame,
        ),
        (LimitExceeded,),
    ),
    "pong": Exchange(
        "The answer to a `ping`: everything before it has arrived. Not answered; a number that"
        " was not asked for says nothing."
    ),
    "authenticate": Exchange(
        "Go on with a fresh access token of the same login session. Success is silent; after an"
        " `error` the old token's end still counts.",
        errors=(InvalidToken, SessionEnded),
    ),
}
