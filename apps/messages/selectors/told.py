"""What a person's notifications tell of: the chat, the message, who said it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from apps.chats.models import Chat, Participant
from apps.messages.models import Message
from apps.messages.selectors.profiles import profiles_for

KINDS = ("messages", "mention")


@dataclass(frozen=True, slots=True)
class Told:
    """One notification with what it names; `message` is None once it is deleted."""

    notification: dict[str, Any]
    chat: Chat
    peer: dict[str, Any] | None
    sender: dict[str, Any] | None
    message: Message | None


def told_for(user_id: UUID, items: Sequence[dict[str, Any]]) -> list[Told]:
    """`NotificationOut`s of one person with what they may see of it, in three queries.

    Chats that they no longer take part in are left out, and so is what was hidden from them.
    """
    items = [item for item in items if item["kind"] in KINDS]
    chat_ids = {UUID(item["payload"]["chat_id"]) for item in items}
    message_ids = {UUID(item["payload"]["message_id"]) for item in items}
    mine = Participant.objects.active().filter(user_id=user_id, chat_id__in=chat_ids)
    places = {row.chat_id: row for row in mine.select_related("chat")}
    messages = {row.id: row for row in Message.objects.filter(pk__in=message_ids)}
    peers = {row.chat_id: _peer_id(user_id, row.chat) for row in places.values()}
    senders = {row.sender_id for row in messages.values()}
    faces = profiles_for(senders | {one for one in peers.values() if one})
    found = []
    for item in items:
        place = places.get(UUID(item["payload"]["chat_id"]))
        message = messages.get(UUID(item["payload"]["message_id"]))
        if place is None or message is None or message.seq <= place.hidden_seq:
            continue
        peer_id = peers[place.chat_id]
        found.append(
            Told(
                notification=item,
                chat=place.chat,
                peer=faces.get(peer_id) if peer_id else None,
                sender=faces.get(message.sender_id),
                message=message if message.deleted_at is None else None,
            )
        )
    return found


def _peer_id(user_id: UUID, chat: Chat) -> UUID | None:
    return chat.direct_high_id if chat.direct_low_id == user_id else chat.direct_low_id
