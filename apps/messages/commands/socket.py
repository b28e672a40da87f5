"""The socket commands about messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from apps.chats.errors import NotAcceptingMessages, PersonBlocked
from apps.messages import selectors
from apps.messages.commands import answers
from apps.messages.errors import EditWindowOver, MessageDeleted, MessageIdConflict, NotAuthor
from apps.messages.serializers import (
    CursorsInput,
    SocketDeleteInput,
    SocketEditInput,
    SocketSendInput,
    SyncInput,
    SyncPosition,
)
from apps.messages.services import frames
from apps.messages.services.change import message_delete, message_edit
from apps.messages.services.read import CursorMove, cursors_move
from apps.messages.services.send import SendRequest, messages_send
from messenger.core import limits
from messenger.core.actors import Actor
from messenger.core.errors import NotFound
from messenger.core.examples import CHAT, MESSAGE
from messenger.core.group_commit import GroupCommit
from messenger.core.permissions import Who
from messenger.core.socket import Batched, Command, InThread, Streamed

SENDS = GroupCommit[SendRequest](
    "sends",
    messages_send,
    size=256,
    limit=limits.MESSAGES,
    key=lambda request: str(request.sender_id),
)
RECEIPTS = GroupCommit[CursorMove]("receipts", cursors_move, size=512, delay=0.05)


def send_requests(actor: Actor, data: SocketSendInput) -> list[SendRequest]:
    """`message` as the requests of `SENDS`."""
    request = SendRequest(
        actor.user_id,
        data.chat_id,
        data.message_id,
        data.text,
        data.reply_to,
        data.sent_at,
        actor.connection_id,
    )
    return [request]


def delivered_moves(actor: Actor, data: CursorsInput) -> list[CursorMove]:
    """`delivered` as the requests of `RECEIPTS`."""
    return [CursorMove(actor.user_id, item.chat_id, item.seq) for item in data.items]


def read_moves(actor: Actor, data: CursorsInput) -> list[CursorMove]:
    """`read` as the requests of `RECEIPTS`."""
    return [CursorMove(actor.user_id, item.chat_id, item.seq, item.seq) for item in data.items]


def edit(actor: Actor, data: SocketEditInput) -> dict[str, Any]:
    """`edit_message`."""
    message = message_edit(
        actor_id=actor.user_id,
        message_id=data.message_id,
        text=data.text,
        connection_id=actor.connection_id,
    )
    return answers.edit_ack(message)


def delete(actor: Actor, data: SocketDeleteInput) -> dict[str, Any]:
    """`delete_message`."""
    message = message_delete(
        actor_id=actor.user_id,
        message_id=data.message_id,
        connection_id=actor.connection_id,
    )
    return answers.delete_ack(message)


def sync(actor: Actor, data: SyncInput) -> Iterator[list[str]]:
    """`sync`: pages of encoded frames, the missing messages and changes, then `sync_done`."""
    positions = {
        chat_id: held if isinstance(held, SyncPosition) else SyncPosition(seq=held)
        for chat_id, held in data.chats.items()
    }
    return _pages(selectors.Replay(actor.user_id, positions))


def replay(actor: Actor) -> Iterator[list[str]]:
    """The handshake's replay: pages of what the person's receipts do not cover."""
    return _pages(selectors.Replay(actor.user_id))


def _pages(found: selectors.Replay) -> Iterator[list[str]]:
    """Messages, then changes, then `resync` where there are too many, then `sync_done`."""
    for messages in found.messages():
        yield [frames.message_text(message) for message in messages]
    for changes in found.changes():
        yield [frames.change_text(message) for message in changes]
    last = [frames.resync(found.resync)] if found.resync else []
    yield [*last, answers.sync_done(found.last_seqs, found.last_revs)]


COMMANDS = (
    Command(
        name="message",
        shape=SocketSendInput,
        mode=Batched(SENDS, send_requests, answers.message_ack),
        who=Who.USER,
        summary="Send a message to a chat. The `ack` follows once it is stored durably. If no `ack`"
        " arrives, send the same `message_id` again: the message is stored once, with its first"
        " text.",
        example={
            "message_id": MESSAGE,
            "chat_id": CHAT,
            "text": "Tea at five?",
            "sent_at": "2026-03-01T09:29:59.900Z",
        },
        answers=(answers.MessageAck,),
        errors=(NotFound, MessageIdConflict, NotAcceptingMessages, PersonBlocked),
    ),
    Command(
        name="delivered",
        shape=CursorsInput,
        mode=Batched(RECEIPTS, delivered_moves),
        who=Who.USER,
        summary="Everything in these chats up to `seq` was delivered to me. Cumulative: a cursor"
        " never moves back. The chats get `receipt`. Success is not answered.",
        example={"items": [{"chat_id": CHAT, "seq": 42}]},
        errors=(NotFound,),
    ),
    Command(
        name="read",
        shape=CursorsInput,
        mode=Batched(RECEIPTS, read_moves),
        who=Who.USER,
        summary="I have read these chats up to `seq`, which implies `delivered`. Otherwise like"
        " `delivered`.",
        example={"items": [{"chat_id": CHAT, "seq": 42}]},
        errors=(NotFound,),
    ),
    Command(
        name="edit_message",
        shape=SocketEditInput,
        mode=InThread(edit, limit=limits.MESSAGES),
        who=Who.USER,
        summary="Replace the text of my own message; the other connections of the chat get"
        " `message_edited`. Counts as a message for the rate limit.",
        example={"message_id": MESSAGE, "text": "Tea at six?"},
        answers=(answers.EditAck,),
        errors=(
            NotFound,
            NotAuthor,
            MessageDeleted,
            EditWindowOver,
            NotAcceptingMessages,
            PersonBlocked,
        ),
    ),
    Command(
        name="delete_message",
        shape=SocketDeleteInput,
        mode=InThread(delete),
        who=Who.USER,
        summary="Delete a message for everyone; the other connections of the chat get"
        " `message_deleted`.",
        example={"message_id": MESSAGE},
        answers=(answers.DeleteAck,),
        errors=(NotFound, NotAuthor),
    ),
    Command(
        name="sync",
        shape=SyncInput,
        mode=Streamed(sync),
        who=Who.USER,
        summary="Send what this device is missing: messages, then changes to messages that it"
        " holds, then `resync` if there are too many, then `sync_done`. Chats in which I do not"
        " take part are skipped. Only `sync_done`, the answer, carries the `ref`.",
        example={"chats": {CHAT: {"seq": 41, "rev": 6}}},
        answers=(
            frames.MessageFrame,
            frames.MessageEditedFrame,
            frames.MessageDeletedFrame,
            frames.ResyncFrame,
            answers.SyncDoneFrame,
        ),
    ),
)
