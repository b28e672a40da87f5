"""Somebody is writing: told and forgotten."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings

from apps.accounts.selectors import blocked_by
from apps.chats import rules, selectors
from apps.chats.services import frames
from messenger.core import live


def typing_tell(*, actor_id: UUID, chat_id: UUID) -> None:
    """Tell the others in a chat that the actor is writing; two reads, no write. Raises `NotFound`.

    Nobody is told in chats of more than `RECEIPTS_LIVE_LIMIT` people, nor whom the actor has
    blocked, nor anybody in a direct chat in which nothing can be written.
    """
    chat, mine = selectors.access_chat(actor_id, chat_id)
    is_crowd = chat.participant_count > settings.RECEIPTS_LIVE_LIMIT
    if is_crowd or rules.refusal_to_write(mine.has_blocked, mine.is_blocked):
        return
    hidden_from = [actor_id, *blocked_by([actor_id])[actor_id]]
    live.push([frames.typing(chat, actor_id, hidden_from)])
