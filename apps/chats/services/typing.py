"""Typing indicators: broadcast, never stored."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings

from apps.accounts.selectors import blocked_by
from apps.chats import selectors
from apps.chats.rules import Action, refusal_to
from apps.chats.services import frames
from messenger.core import live


def typing_notify(*, actor_id: UUID, chat_id: UUID) -> None:
    """Show the others in a chat that the actor is typing; two reads, no write. Raises `NotFound`.

    Dropped silently in chats of more than `RECEIPTS_LIVE_LIMIT` participants and where the actor
    may not write. People whom the actor has blocked do not see it.
    """
    standing = selectors.access_chat(actor_id, chat_id)
    is_large = standing.chat.participant_count > settings.RECEIPTS_LIVE_LIMIT
    if is_large or refusal_to(Action.TYPE, standing) is not None:
        return
    hidden_from = [actor_id, *blocked_by([actor_id])[actor_id]]
    live.push([frames.typing(standing.chat, actor_id, hidden_from)])
