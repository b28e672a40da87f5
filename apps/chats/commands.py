"""The socket's door to chats."""

from __future__ import annotations

from apps.chats.serializers import TypingInput
from apps.chats.services.typing import typing_notify
from messenger.core.actors import Actor
from messenger.core.throttles import take_many


def typing(actor: Actor, data: TypingInput) -> None:
    """`typing` → nothing; too often is as if it had not been said."""
    key = f"{actor.user_id}:{data.chat_id}"
    got, _ = take_many("typing", {key: 1})[key]
    if got:
        typing_notify(actor_id=actor.user_id, chat_id=data.chat_id)
