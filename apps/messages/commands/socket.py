"""The socket's door to messages: each command reads a frame's fields and dresses the answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from apps.messages import selectors
from apps.messages.serializers import (
    CursorsInput,
    SocketDeleteInput,
    SocketEditInput,
    SocketSendInput,
    SyncInput,
    SyncPosition,
)
from apps.messages.services.change import message_delete, message_edit
from apps.messages.services.frames import change_text
from apps.messages.services.read import CursorMove
from apps.messages.services.send import SendRequest, Sent
from messenger.core.actors import Actor
from messenger.core.json import dumps
from messenger.core.throttles import take


def send_request(actor: Actor, data: SocketSendInput) -> SendRequest:
    """`message` → what the writer collects."""
    return SendRequest(
        actor.user_id,
        data.chat_id,
        data.message_id,
        data.text,
        data.reply_to,
        data.sent_at,
        actor.connection_id,
    )


def send_reply(sent: Sent) -> dict[str, Any]:
    """The `ack` of a `message`."""
    return {
        "type": "ack",
        "message_id": sent.message["id"],
        "chat_id": sent.message["chat_id"],
        "seq": sent.message["seq"],
        "created_at": sent.message["created_at"],
        "mentions": sent.message["mentions"],
        "duplicate": sent.duplicate,
    }


def delivered_moves(actor: Actor, data: CursorsInput) -> list[CursorMove]:
    """`delivered` → what the receipts' writer collects."""
    return [CursorMove(actor.user_id, item.chat_id, item.seq) for item in data.items]


def read_moves(actor: Actor, data: CursorsInput) -> list[CursorMove]:
    """`read` → what the receipts' writer collects."""
    return [CursorMove(actor.user_id, item.chat_id, item.seq, item.seq) for item in data.items]


def edit(actor: Actor, data: SocketEditInput) -> dict[str, Any]:
    """`edit_message` → `ack`; an edit counts as a message."""
    take("messages", str(actor.user_id))
    message = message_edit(
        actor_id=actor.user_id,
        message_id=data.message_id,
        text=data.text,
        connection_id=actor.connection_id,
    )
    return {
        "type": "ack",
        "message_id": message.id,
        "chat_id": message.chat_id,
        "rev": message.rev,
        "edited_at": message.edited_at,
        "mentions": message.mentions,
    }


def delete(actor: Actor, data: SocketDeleteInput) -> dict[str, Any]:
    """`delete_message` → `ack`."""
    message = message_delete(
        actor_id=actor.user_id,
        message_id=data.message_id,
        connection_id=actor.connection_id,
    )
    return {
        "type": "ack",
        "message_id": message.id,
        "chat_id": message.chat_id,
        "rev": message.rev,
        "deleted_at": message.deleted_at,
    }


def sync(actor: Actor, data: SyncInput) -> Iterator[list[str]]:
    """`sync` → the missing messages and changes, then `sync_done`; pages of ready texts."""
    positions = {
        chat_id: held if isinstance(held, SyncPosition) else SyncPosition(seq=held)
        for chat_id, held in data.chats.items()
    }
    return _replayed(selectors.Replay(actor.user_id, positions))


def replay(actor: Actor) -> Iterator[list[str]]:
    """The handshake's replay: what the person's receipts do not cover; pages of ready texts."""
    return _replayed(selectors.Replay(actor.user_id))


def _replayed(found: selectors.Replay) -> Iterator[list[str]]:
    """Messages, then changes, then `resync` where there is too much, then `sync_done`."""
    for messages in found.messages():
        yield [dumps({"type": "message", **message}) for message in messages]
    for changes in found.changes():
        yield [change_text(message) for message in changes]
    last = [dumps({"type": "resync", "chats": found.resync})] if found.resync else []
    # JSON's keys are strings.
    seqs = {str(chat_id): seq for chat_id, seq in found.last_seqs.items()}
    revs = {str(chat_id): rev for chat_id, rev in found.last_revs.items()}
    yield [*last, dumps({"type": "sync_done", "chats": seqs, "revs": revs})]
