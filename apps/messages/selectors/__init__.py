"""Every read of messages."""

from apps.messages.selectors.faces import faces_for, quoted_for
from apps.messages.selectors.inbox import chat_for, chats_for
from apps.messages.selectors.replay import (
    PER_CHAT,
    Replay,
    changes_since,
    messages_since,
)
from apps.messages.selectors.timeline import (
    access_message,
    history_for,
    messages_by_id,
    receipts_for,
    timeline_for,
)

__all__ = [
    "PER_CHAT",
    "Replay",
    "access_message",
    "changes_since",
    "chat_for",
    "chats_for",
    "faces_for",
    "history_for",
    "messages_by_id",
    "messages_since",
    "quoted_for",
    "receipts_for",
    "timeline_for",
]
