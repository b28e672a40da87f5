"""The live frames about chats and membership: each class with the functions that build it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from apps.chats.models import Chat, Participant
from apps.chats.serializers import ChatOut, PreferencesOut, chat_out, preferences_out
from messenger.core.examples import ALICE, BOB, CHANGED_AT, CHAT
from messenger.core.json import dumps
from messenger.core.live import Frame, chat_group, user_group
from messenger.core.socket import ServerFrame

ChatId = Annotated[UUID, Field(description="The chat.")]
UserId = Annotated[UUID, Field(description="The person.")]
EXAMPLE_CHAT = {
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


class ChatCreatedFrame(ServerFrame):
    """You take part in a chat from now on: it was created, or you were added. Messages follow."""

    type: Literal["chat_created"]
    chat_id: ChatId
    chat: ChatOut = Field(description="The chat as REST shows it.")
    example: ClassVar[dict[str, Any]] = {"chat_id": CHAT, "chat": EXAMPLE_CHAT}


def chat_created(chat: Chat, user_ids: Iterable[UUID]) -> list[Frame]:
    """For the connections of new participants; they join the chat's group."""
    text = dumps({"type": "chat_created", "chat_id": chat.id, "chat": chat_out(chat)})
    control = {"op": "join", "chat_id": str(chat.id), "members_rev": chat.members_rev}
    return [Frame(user_group(user_id), text, control=control) for user_id in user_ids]


class ChatUpdatedFrame(ServerFrame):
    """The chat's title, description or settings have changed."""

    type: Literal["chat_updated"]
    chat_id: ChatId
    chat: ChatOut = Field(description="The chat as REST shows it.")
    example: ClassVar[dict[str, Any]] = {"chat_id": CHAT, "chat": EXAMPLE_CHAT}


def chat_updated(chat: Chat) -> Frame:
    """For every participant."""
    return _to_chat(chat, {"type": "chat_updated", "chat": chat_out(chat)})


def chat_updated_for(chat: Chat, user_id: UUID) -> Frame:
    """For one participant: something that only they see of the chat has changed."""
    text = dumps({"type": "chat_updated", "chat_id": chat.id, "chat": chat_out(chat)})
    return Frame(user_group(user_id), text)


class TypingFrame(ServerFrame):
    """A participant is typing. No frame ends it: hide it after five seconds, or when their message
    arrives."""

    type: Literal["typing"]
    chat_id: ChatId
    user_id: UserId
    example: ClassVar[dict[str, Any]] = {"chat_id": CHAT, "user_id": BOB}


def typing(chat: Chat, user_id: UUID, hidden_from: Iterable[UUID]) -> Frame:
    """For every participant but `hidden_from`."""
    text = dumps({"type": "typing", "chat_id": chat.id, "user_id": user_id})
    return Frame(
        chat_group(chat.id),
        text,
        members_rev=chat.members_rev,
        hidden_from=tuple(map(str, hidden_from)),
    )


class ParticipantJoinedFrame(ServerFrame):
    """A person was added to the chat, or has a new role in it."""

    type: Literal["participant_joined"]
    chat_id: ChatId
    user_id: UserId
    role: Literal["owner", "admin", "member"] = Field(description="Their role.")
    example: ClassVar[dict[str, Any]] = {"chat_id": CHAT, "user_id": BOB, "role": "member"}


def participant_joined(chat: Chat, participant: Participant) -> Frame:
    """For every participant; also sent when a role changes."""
    return _to_chat(
        chat,
        {
            "type": "participant_joined",
            "user_id": participant.user_id,
            "role": participant.role,
        },
    )


class ParticipantLeftFrame(ServerFrame):
    """A person has left the chat or was removed; sent to the remaining participants."""

    type: Literal["participant_left"]
    chat_id: ChatId
    user_id: UserId
    example: ClassVar[dict[str, Any]] = {"chat_id": CHAT, "user_id": BOB}


def participant_left(chat: Chat, user_id: UUID) -> Frame:
    """For the remaining participants."""
    return _to_chat(chat, {"type": "participant_left", "user_id": user_id})


class ChatRemovedFrame(ServerFrame):
    """You take part in this chat no longer: you left, were removed, or the chat was deleted."""

    type: Literal["chat_removed"]
    chat_id: ChatId
    example: ClassVar[dict[str, Any]] = {"chat_id": CHAT}


def chat_removed(chat_id: UUID, user_ids: Iterable[UUID]) -> list[Frame]:
    """For the connections of people who take part no longer; they leave the chat's group."""
    text = chat_removed_text(chat_id)
    control = {"op": "leave", "chat_id": str(chat_id)}
    return [Frame(user_group(user_id), text, control=control) for user_id in user_ids]


def chat_removed_text(chat_id: UUID) -> str:
    """A `ChatRemovedFrame`, encoded."""
    return dumps({"type": "chat_removed", "chat_id": chat_id})


class ChatPreferencesFrame(ServerFrame, PreferencesOut):
    """You have changed your preferences for a chat, perhaps on another of your connections."""

    type: Literal["chat_preferences"]
    chat_id: ChatId
    example: ClassVar[dict[str, Any]] = {
        "chat_id": CHAT,
        "muted_until": CHANGED_AT,
        "notify": "mentions",
        "pinned": True,
        "archived": False,
        "draft": "Tea at",
    }


def preferences_changed(mine: Participant) -> Frame:
    """For the person's own connections."""
    body = {"type": "chat_preferences", "chat_id": mine.chat_id, **preferences_out(mine)}
    return Frame(user_group(mine.user_id), dumps(body))


def _to_chat(chat: Chat, body: dict[str, Any]) -> Frame:
    text = dumps({"chat_id": chat.id, **body})
    return Frame(chat_group(chat.id), text, members_rev=chat.members_rev)
