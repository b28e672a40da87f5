"""One example of every frame in both directions; the suite holds each against its class."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from apps.messages.errors import EditWindowOver
from messenger.core.problems import problem
from messenger.core.shapes import Output
from messenger.gateway.protocol import frames

ALICE = "0199f3a2-5c1e-7b64-9d0f-2a6c41e8b7d3"
BOB = "0199f3a2-7e90-7f12-8a3b-91d5c0e4f628"
CHAT = "0199f3a4-10b7-7c58-b2e6-4f0d93a7c51e"
MESSAGE = "0199f3b0-6d42-7a19-8c75-e3b8204f9a60"
NOTIFICATION = "0199f3b1-0c55-7e3a-9b1d-5a2f67c8d014"
CONNECTION = "0199f3af-e001-7d3c-a5b9-70c62e18d4f9"
REF = "r17"
SAID_AT = "2026-03-01T09:30:00.123456Z"
CHANGED_AT = "2026-03-01T09:31:12.004210Z"
BURST, RATE = settings.RATE_LIMITS["messages"]

COMMANDS: dict[str, dict[str, Any]] = {
    "message": {
        "type": "message",
        "ref": REF,
        "message_id": MESSAGE,
        "chat_id": CHAT,
        "text": "Tea at five?",
        "sent_at": "2026-03-01T09:29:59.900Z",
    },
    "edit_message": {
        "type": "edit_message",
        "ref": REF,
        "message_id": MESSAGE,
        "text": "Tea at six?",
    },
    "delete_message": {"type": "delete_message", "ref": REF, "message_id": MESSAGE},
    "delivered": {"type": "delivered", "items": [{"chat_id": CHAT, "seq": 42}]},
    "read": {"type": "read", "items": [{"chat_id": CHAT, "seq": 42}]},
    "typing": {"type": "typing", "chat_id": CHAT},
    "sync": {"type": "sync", "chats": {CHAT: {"seq": 41, "rev": 6}}},
    "pong": {"type": "pong", "n": 3},
    "authenticate": {"type": "authenticate", "token": "eyJhbGciOi…"},
}

_PLACE = {"message_id": MESSAGE, "chat_id": CHAT}
_CHAT = {
    "id": CHAT,
    "kind": "group",
    "title": "Walkers",
    "description": "",
    "created_by": ALICE,
    "created_at": "2026-02-27T18:00:00Z",
    "updated_at": "2026-02-27T18:00:00Z",
    "participant_count": 2,
    "shares_history": False,
    "last_seq": 41,
    "last_rev": 6,
    "last_message_at": "2026-03-01T08:12:45.530012Z",
}

FRAMES: dict[type[Output], dict[str, Any]] = {
    frames.ConnectedFrame: {
        "type": "connected",
        "user_id": ALICE,
        "connection_id": CONNECTION,
        "protocol": 1,
        "server_time": SAID_AT,
        "heartbeat": settings.SOCKET_HEARTBEAT,
        "limits": {
            "text": settings.MESSAGE_TEXT_LIMIT,
            "frame": settings.SOCKET_FRAME_LIMIT,
            "messages_per_10s": int(BURST + 10 * RATE),
        },
    },
    frames.SyncDoneFrame: {"type": "sync_done", "chats": {CHAT: 42}, "revs": {CHAT: 7}},
    frames.ResyncFrame: {"type": "resync", "chats": [CHAT]},
    frames.MessageAck: {
        "type": "ack",
        "ref": REF,
        **_PLACE,
        "seq": 42,
        "created_at": SAID_AT,
        "mentions": [],
        "duplicate": False,
    },
    frames.EditAck: {
        "type": "ack",
        "ref": REF,
        **_PLACE,
        "rev": 7,
        "edited_at": CHANGED_AT,
        "mentions": [BOB],
    },
    frames.DeleteAck: {"type": "ack", "ref": REF, **_PLACE, "rev": 8, "deleted_at": CHANGED_AT},
    frames.MessageFrame: {
        "type": "message",
        "id": MESSAGE,
        "chat_id": CHAT,
        "seq": 42,
        "rev": 0,
        "sender_id": ALICE,
        "text": "Tea at five?",
        "reply_to": None,
        "mentions": [],
        "sent_at": "2026-03-01T09:29:59.900000Z",
        "created_at": SAID_AT,
        "updated_at": SAID_AT,
        "edited_at": None,
        "deleted_at": None,
        "delivered_at": None,
        "read_at": None,
    },
    frames.MessageEditedFrame: {
        "type": "message_edited",
        **_PLACE,
        "seq": 42,
        "rev": 7,
        "text": "Tea at six, @bob?",
        "mentions": [BOB],
        "edited_at": CHANGED_AT,
    },
    frames.MessageDeletedFrame: {
        "type": "message_deleted",
        **_PLACE,
        "seq": 42,
        "rev": 8,
        "deleted_at": CHANGED_AT,
    },
    frames.ReceiptFrame: {
        "type": "receipt",
        "chat_id": CHAT,
        "user_id": BOB,
        "delivered_seq": 42,
        "read_seq": 40,
        "at": CHANGED_AT,
    },
    frames.TypingFrame: {"type": "typing", "chat_id": CHAT, "user_id": BOB},
    frames.PresenceFrame: {
        "type": "presence",
        "user_id": BOB,
        "status": "offline",
        "last_seen_at": CHANGED_AT,
    },
    frames.ChatCreatedFrame: {"type": "chat_created", "chat_id": CHAT, "chat": _CHAT},
    frames.ChatUpdatedFrame: {"type": "chat_updated", "chat_id": CHAT, "chat": _CHAT},
    frames.ChatRemovedFrame: {"type": "chat_removed", "chat_id": CHAT},
    frames.ParticipantJoinedFrame: {
        "type": "participant_joined",
        "chat_id": CHAT,
        "user_id": BOB,
        "role": "member",
    },
    frames.ParticipantLeftFrame: {"type": "participant_left", "chat_id": CHAT, "user_id": BOB},
    frames.ChatPreferencesFrame: {
        "type": "chat_preferences",
        "chat_id": CHAT,
        "muted_until": CHANGED_AT,
        "notify": "mentions",
        "pinned": True,
        "archived": False,
        "draft": "Tea at",
    },
    frames.NotificationFrame: {
        "type": "notification",
        "notification": {
            "id": NOTIFICATION,
            "seq": 311,
            "kind": "mention",
            "payload": {"chat_id": CHAT, "message_id": MESSAGE, "seq": 42, "sender_id": ALICE},
            "created_at": CHANGED_AT,
            "read_at": None,
        },
        "unread_count": 1,
    },
    frames.TokenExpiringFrame: {"type": "token_expiring"},
    frames.PingFrame: {"type": "ping", "n": 3},
    frames.ErrorFrame: {
        **problem(EditWindowOver(), CONNECTION),
        "type": "error",
        "ref": REF,
    },
}
