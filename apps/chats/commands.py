"""The socket commands about chats."""

from __future__ import annotations

from apps.chats.serializers import TypingInput
from apps.chats.services.typing import typing_notify
from messenger.core import limits
from messenger.core.actors import Actor
from messenger.core.errors import NotFound
from messenger.core.examples import CHAT
from messenger.core.permissions import Who
from messenger.core.socket import Command, InThread


def typing(actor: Actor, data: TypingInput) -> None:
    """`typing`: not answered."""
    typing_notify(actor_id=actor.user_id, chat_id=data.chat_id)


COMMANDS = (
    Command(
        name="typing",
        shape=TypingInput,
        mode=InThread(typing, limit=limits.TYPING, drops_excess=True),
        who=Who.USER,
        summary="I am typing in this chat; the other participants get `typing`. Send it at most"
        " every three seconds while typing goes on. Success is not answered.",
        example={"chat_id": CHAT},
        errors=(NotFound,),
    ),
)
