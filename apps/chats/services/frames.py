"""The live frames about chats and membership."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from apps.chats.models import Chat, Participant
from apps.chats.serializers import chat_out, preferences_out
from messenger.core.json import dumps
from messenger.core.live import Frame, chat_group, user_group


def chat_created(chat: Chat, user_ids: Iterable[UUID]) -> list[Frame]:
    """For each newcomer's connections: the chat, and from now on what is said in it."""
    text = dumps({"type": "chat_created", "chat_id": chat.id, "chat": chat_out(chat)})
    control = {"op": "join", "chat_id": str(chat.id), "members_rev": chat.members_rev}
    return [Frame(user_group(user_id), text, control=control) for user_id in user_ids]


def chat_updated(chat: Chat) -> Frame:
    """For everybody in the chat."""
    return _to_chat(chat, {"type": "chat_updated", "chat": chat_out(chat)})


def chat_updated_for(chat: Chat, user_id: UUID) -> Frame:
    """For one person's connections: what only they see of the chat has changed."""
    text = dumps({"type": "chat_updated", "chat_id": chat.id, "chat": chat_out(chat)})
    return Frame(user_group(user_id), text)


def typing(chat: Chat, user_id: UUID, hidden_from: Iterable[UUID]) -> Frame:
    """For everybody in the chat but `hidden_from`."""
    text = dumps({"type": "typing", "chat_id": chat.id, "user_id": user_id})
    return Frame(
        chat_group(chat.id),
        text,
        members_rev=chat.members_rev,
        hidden_from=tuple(map(str, hidden_from)),
    )


def participant_joined(chat: Chat, participant: Participant) -> Frame:
    """For everybody in the chat, also on a change of role."""
    return _to_chat(
        chat,
        {
            "type": "participant_joined",
            "user_id": participant.user_id,
            "role": participant.role,
        },
    )


def participant_left(chat: Chat, user_id: UUID) -> Frame:
    """For those who stay."""
    return _to_chat(chat, {"type": "participant_left", "user_id": user_id})


def chat_removed(chat_id: UUID, user_ids: Iterable[UUID]) -> list[Frame]:
    """For those who leave: the chat is gone, and so is what is said in it."""
    text = dumps({"type": "chat_removed", "chat_id": chat_id})
    control = {"op": "leave", "chat_id": str(chat_id)}
    return [Frame(user_group(user_id), text, control=control) for user_id in user_ids]


def preferences_changed(mine: Participant) -> Frame:
    """For the person's own connections."""
    body = {"type": "chat_preferences", "chat_id": mine.chat_id, **preferences_out(mine)}
    return Frame(user_group(mine.user_id), dumps(body))


def _to_chat(chat: Chat, body: dict[str, Any]) -> Frame:
    text = dumps({"chat_id": chat.id, **body})
    return Frame(chat_group(chat.id), text, members_rev=chat.members_rev)
