"""Every read of messages."""

from apps.messages.selectors.inbox import chat_for, chats_for
from apps.messages.selectors.profiles import profiles_for, quoted_for
from apps.messages.selectors.replay import (
    PER_CHAT,
    Replay,
    changes_since,
    messages_since,
)
from apps.messages.selectors.timeline import (
    SeenMessage,
    access_message,
    find_message,
    history_for,
    messages_by_id,
    receipts_for,
    timeline_for,
)

__all__ = [
    "PER_CHAT",
    "Replay",
    "SeenMessage",
    "access_message",
    "changes_since",
    "chat_for",
    "chats_for",
    "find_message",
    "history_for",
    "messages_by_id",
    "messages_since",
    "profiles_for",
    "quoted_for",
    "receipts_for",
    "timeline_for",
]
