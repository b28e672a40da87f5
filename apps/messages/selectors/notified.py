"""The messages that a person's notifications are about, with chat and sender."""

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
class NotifiedMessage:
    """A notification with what it refers to; `message` is None once it is deleted."""

    notification: dict[str, Any]
    chat: Chat
    peer: dict[str, Any] | None
    sender: dict[str, Any] | None
    message: Message | None


def notified_messages_for(user_id: UUID, items: Sequence[dict[str, Any]]) -> list[NotifiedMessage]:
    """`NotificationOut`s of one person with what each refers to, in three queries.

    Left out are those of chats in which the person no longer takes part, and of messages from
    before they joined.
    """
    items = [item for item in items if item["kind"] in KINDS]
    chat_ids = {UUID(item["payload"]["chat_id"]) for item in items}
    message_ids = {UUID(item["payload"]["message_id"]) for item in items}
    mine = Participant.objects.active().filter(user_id=user_id, chat_id__in=chat_ids)
    rows = {row.chat_id: row for row in mine.select_related("chat")}
    messages = {row.id: row for row in Message.objects.filter(pk__in=message_ids)}
    peers = {row.chat_id: _peer_id(user_id, row.chat) for row in rows.values()}
    senders = {row.sender_id for row in messages.values()}
    profiles = profiles_for(senders | {one for one in peers.values() if one})
    found = []
    for item in items:
        row = rows.get(UUID(item["payload"]["chat_id"]))
        message = messages.get(UUID(item["payload"]["message_id"]))
        if row is None or message is None or message.seq <= row.hidden_seq:
            continue
        peer_id = peers[row.chat_id]
        found.append(
            NotifiedMessage(
                notification=item,
                chat=row.chat,
                peer=profiles.get(peer_id) if peer_id else None,
                sender=profiles.get(message.sender_id),
                message=message if message.deleted_at is None else None,
            )
        )
    return found


def _peer_id(user_id: UUID, chat: Chat) -> UUID | None:
    return chat.direct_high_id if chat.direct_low_id == user_id else chat.direct_low_id
