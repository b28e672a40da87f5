"""Participants: lists for people, memberships for sockets, and the locks that order them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from django.contrib.postgres.aggregates import BitXor
from django.db import connection
from django.db.models import BigIntegerField, Func, QuerySet, Value

from apps.accounts.selectors import statuses_for
from apps.chats.models import Chat, Participant
from apps.chats.selectors.access import access_chat
from apps.chats.serializers import participant_out
from messenger.core.pagination import PageQuery, page_of


def active_participants(chat_id: UUID) -> QuerySet[Participant]:
    """Those who take part now, oldest first."""
    return Participant.objects.active().filter(chat_id=chat_id).order_by("joined_at", "id")


def participant_page_for(user_id: UUID, chat_id: UUID, query: PageQuery) -> dict[str, Any]:
    """A page of a chat's participants, oldest first; `NotFound` for outsiders."""
    access_chat(user_id, chat_id)
    rows, numbers = page_of(active_participants(chat_id).select_related("user"), query)
    return {"items": serialized_participants(user_id, rows), **numbers}


def participants_for(user_id: UUID, chat_id: UUID) -> list[dict[str, Any]]:
    """All participants of a chat, for the pages; `NotFound` for outsiders."""
    access_chat(user_id, chat_id)
    rows = list(active_participants(chat_id).select_related("user"))
    return serialized_participants(user_id, rows)


def serialized_participants(user_id: UUID, rows: list[Participant]) -> list[dict[str, Any]]:
    """`ParticipantOut` of loaded rows of one chat, as one of its participants may see them."""
    statuses = statuses_for(user_id, [row.user for row in rows])
    return [participant_out(row, statuses[row.user_id]) for row in rows]


def visibility_floors(chat_id: UUID) -> dict[UUID, int]:
    """The participants who may not see all of a chat, with the last `seq` hidden from each."""
    rows = Participant.objects.active().filter(chat_id=chat_id, hidden_seq__gt=0)
    return dict(rows.values_list("user_id", "hidden_seq"))


def direct_chat_between(one: UUID, other: UUID, *, lock: bool = False) -> Chat | None:
    """The direct chat of two people, or None; with `lock` its row is held."""
    low, high = sorted((one, other))
    chats = Chat.objects.select_for_update(no_key=True) if lock else Chat.objects.all()
    return chats.filter(direct_low_id=low, direct_high_id=high).first()


def lock_receipts(chat_ids: Iterable[UUID]) -> None:
    """Serialise receipts, notifications and marks of these chats until the end of the transaction.

    Advisory locks, so that senders do not wait. Order: after the chat's row lock, before
    participant rows are written.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(id::text, 1))"
            " FROM unnest(%s::uuid[]) AS id",
            [sorted(chat_ids)],
        )


def contacts_sharing_a_chat(user_id: UUID, others: Collection[UUID]) -> set[UUID]:
    """Those of `others` who take part in some chat with the person, in one query."""
    mine = Participant.objects.active().filter(user_id=user_id).values("chat_id")
    rows = Participant.objects.active().filter(user_id__in=others, chat_id__in=mine)
    return set(rows.values_list("user_id", flat=True).distinct())


def memberships_of(user_ids: Iterable[UUID]) -> dict[UUID, dict[UUID, int]]:
    """For each person the chats they take part in, with each chat's present `members_rev`.

    Sockets subscribe to these chats. One query.
    """
    found: dict[UUID, dict[UUID, int]] = {user_id: {} for user_id in user_ids}
    rows = Participant.objects.active().filter(user_id__in=list(found))
    for user_id, chat_id, rev in rows.values_list("user_id", "chat_id", "chat__members_rev"):
        found[user_id][chat_id] = rev
    return found


def members_among(chat_id: UUID, user_ids: Iterable[UUID]) -> tuple[int, set[UUID]]:
    """The chat's `members_rev`, and those of these people who take part.

    The number is read first: a change between the two reads causes another check, not a missed
    one. A chat that does not exist has no participants.
    """
    rev = Chat.objects.filter(pk=chat_id).values_list("members_rev", flat=True).first()
    rows = Participant.objects.active().filter(chat_id=chat_id, user_id__in=list(user_ids))
    return rev or 0, set(rows.values_list("user_id", flat=True))


def membership_marks(user_ids: Iterable[UUID]) -> dict[UUID, int]:
    """A checksum for each person over the chats they take part in.

    One index-only read, one row per person; people without chats are missing.
    """
    rows = Participant.objects.active().filter(user_id__in=list(user_ids))
    marked = rows.values("user_id").annotate(mark=BitXor(Func("chat_id", Value(0), **UUID_HASH)))
    return dict(marked.values_list("user_id", "mark"))


UUID_HASH = {"function": "uuid_hash_extended", "output_field": BigIntegerField()}
