"""A person's list of chats, with last message and unread counts."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from django.db.models import (
    BigIntegerField,
    Count,
    F,
    OuterRef,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.functions import Coalesce, Greatest

from apps.accounts.models import User
from apps.accounts.selectors import statuses_for
from apps.accounts.serializers import person_out
from apps.chats.models import Chat, Participant
from apps.chats.rules import Action, Standing, refusal_to
from apps.chats.serializers import chat_out, preferences_out
from apps.messages.models import Message
from apps.messages.serializers import message_out
from messenger.core.errors import NotFound


def chats_for(user_id: UUID) -> list[dict[str, Any]]:
    """All chats of a person as `InboxChatOut`, pinned ones first, then by last activity.

    Five queries for any number of chats.
    """
    rows = _mine(user_id).order_by("-pinned", "-chat__last_message_at", "-chat_id")
    return _serialized(user_id, rows)


def chat_for(user_id: UUID, chat_id: UUID) -> dict[str, Any]:
    """One chat as `InboxChatOut`; raises the policy's refusal to `READ`."""
    row = _mine(user_id).filter(chat_id=chat_id).first()
    if row is None:
        raise NotFound
    refusal = refusal_to(Action.READ, Standing(row.chat, user_id, row))
    if refusal is not None:
        raise refusal
    return _serialized(user_id, [row])[0]


def chats_among(user_id: UUID, chat_ids: Collection[UUID]) -> list[dict[str, Any]]:
    """Those of these chats in which the person takes part, as `InboxChatOut`."""
    return _serialized(user_id, _mine(user_id).filter(chat_id__in=chat_ids))


def _mine(user_id: UUID) -> QuerySet[Participant]:
    unread = (
        Message.objects.filter(
            chat_id=OuterRef("chat_id"),
            seq__gt=Greatest(OuterRef("read_seq"), OuterRef("hidden_seq")),
            deleted_at=None,
        )
        .exclude(sender_id=user_id)
        .order_by()
        .values("chat_id")
        .annotate(n=Count("*"))
        .values("n")
    )
    return (
        Participant.objects.active()
        .filter(user_id=user_id)
        .select_related("chat")
        .annotate(unread_count=Coalesce(Subquery(unread), Value(0), output_field=BigIntegerField()))
    )


def _serialized(user_id: UUID, rows: Iterable[Participant]) -> list[dict[str, Any]]:
    mine = list(rows)
    newest = _last_messages([row.chat_id for row in mine])
    peers = _peers(user_id, [row.chat for row in mine])
    mentions = mention_counts_for(user_id, [row.chat_id for row in mine])
    return [
        {
            **chat_out(row.chat),
            "role": row.role,
            "hidden_seq": row.hidden_seq,
            "delivered_seq": row.delivered_seq,
            "read_seq": row.read_seq,
            "mention_count": mentions.get(row.chat_id, 0),
            "preferences": preferences_out(row),
            "unread_count": 0 if row.has_blocked else vars(row)["unread_count"],
            "blocked": row.has_blocked,
            "can_write": refusal_to(Action.SEND, Standing(row.chat, user_id, row)) is None,
            "last_message": _visible(newest.get(row.chat_id), row),
            "peer": peers.get(_peer_id(user_id, row.chat)),
        }
        for row in mine
    ]


def mention_counts_for(user_id: UUID, chat_ids: list[UUID]) -> dict[UUID, int]:
    """Unread messages per chat that mention the person; chats without any are missing."""
    mine = Participant.objects.active().filter(user_id=user_id, chat_id=OuterRef("chat_id"))
    floor = mine.values(floor=Greatest("read_seq", "hidden_seq"))
    rows = Message.objects.exclude(mentions=[]).filter(
        chat_id__in=chat_ids, mentions__contains=[user_id], seq__gt=Subquery(floor)
    )
    counted = rows.exclude(sender_id=user_id).order_by().values("chat_id").annotate(n=Count("*"))
    return dict(counted.values_list("chat_id", "n"))


def _last_messages(chat_ids: list[UUID]) -> dict[UUID, Message]:
    rows = Message.objects.filter(chat_id__in=chat_ids, chat__last_seq=F("seq"))
    return {row.chat_id: row for row in rows}


def _visible(message: Message | None, mine: Participant) -> dict[str, Any] | None:
    if message is None or message.seq <= mine.hidden_seq:
        return None
    return message_out(message)


def _peer_id(user_id: UUID, chat: Chat) -> UUID | None:
    return chat.direct_high_id if chat.direct_low_id == user_id else chat.direct_low_id


def _peers(user_id: UUID, chats: list[Chat]) -> dict[UUID | None, dict[str, Any]]:
    ids = [peer for chat in chats if (peer := _peer_id(user_id, chat)) is not None]
    people = list(User.objects.filter(pk__in=ids))
    statuses = statuses_for(user_id, people)
    return {one.id: {**person_out(one), **statuses[one.id]} for one in people}
