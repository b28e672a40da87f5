"""Every read of chats; `access_*` load, check, lock and raise."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.postgres.aggregates import BitXor
from django.db import connection
from django.db.models import BigIntegerField, Func, QuerySet, Value

from apps.accounts.models import User
from apps.accounts.rules import shows_presence
from apps.accounts.selectors import access_person, blocked_by, blockers_of
from apps.accounts.serializers import person_out
from apps.chats import rules
from apps.chats.errors import DirectChatIsFixed, NotAdmin
from apps.chats.models import Chat, Participant
from apps.chats.serializers import participant_out
from messenger.core import presence
from messenger.core.errors import NotFound
from messenger.core.pagination import PageQuery, page_of


def access_chat(user_id: UUID, chat_id: UUID, *, lock: bool = False) -> tuple[Chat, Participant]:
    """The chat and the asker's own place in it, or `NotFound`.

    With `lock` the chat's row is held until the end of the transaction: whoever changes
    members, messages or their order holds it, so the two never cross.
    """
    if lock:  # first the lock, then the rights: they may have changed while we waited
        chat = Chat.objects.select_for_update(no_key=True).filter(pk=chat_id).first()
        mine = Participant.objects.filter(chat_id=chat_id, user_id=user_id, left_at=None).first()
    else:
        mine = (
            Participant.objects.select_related("chat")
            .filter(chat_id=chat_id, user_id=user_id, left_at=None)
            .first()
        )
        chat = mine.chat if mine else None
    if chat is None or mine is None:
        raise NotFound
    return chat, mine


def access_group_as_admin(user_id: UUID, chat_id: UUID) -> tuple[Chat, Participant]:
    """The locked group for one of its admins; `NotFound`, `DirectChatIsFixed`, `NotAdmin`."""
    chat, mine = access_chat(user_id, chat_id, lock=True)
    if chat.kind == Chat.Kind.DIRECT:
        raise DirectChatIsFixed
    if not rules.can_edit_chat(chat, mine):
        raise NotAdmin
    return chat, mine


def access_participant(chat: Chat, user_id: UUID) -> Participant:
    """Somebody who takes part in a chat that the asker has already been let into."""
    found = Participant.objects.filter(chat=chat, user_id=user_id, left_at=None).first()
    if found is None:
        raise NotFound
    return found


def active_participants(chat_id: UUID) -> QuerySet[Participant]:
    """Who takes part now, oldest first."""
    return Participant.objects.filter(chat_id=chat_id, left_at=None).order_by("joined_at", "id")


def participant_page_for(user_id: UUID, chat_id: UUID, query: PageQuery) -> dict[str, Any]:
    """A page of a chat's participants, oldest first; `NotFound` for outsiders."""
    access_chat(user_id, chat_id)
    rows, numbers = page_of(active_participants(chat_id).select_related("user"), query)
    return {"items": participants_dressed(user_id, rows), **numbers}


def participants_for(user_id: UUID, chat_id: UUID) -> list[dict[str, Any]]:
    """All participants of a chat, for the pages; `NotFound` for outsiders."""
    access_chat(user_id, chat_id)
    return participants_dressed(user_id, list(active_participants(chat_id).select_related("user")))


def participants_dressed(user_id: UUID, rows: list[Participant]) -> list[dict[str, Any]]:
    """`ParticipantOut` of loaded rows of one chat, as one of its people may see them."""
    statuses = statuses_for(user_id, [row.user for row in rows])
    return [participant_out(row, statuses[row.user_id]) for row in rows]


def floors_of(chat_id: UUID) -> dict[UUID, int]:
    """Who in a chat may not see all of it: the person, and the last `seq` hidden from them."""
    rows = Participant.objects.filter(chat_id=chat_id, left_at=None, hidden_seq__gt=0)
    return dict(rows.values_list("user_id", "hidden_seq"))


def direct_chat_between(one: UUID, other: UUID, *, lock: bool = False) -> Chat | None:
    """The direct chat of two people, if there is one; with `lock` its row is held."""
    low, high = sorted((one, other))
    chats = Chat.objects.select_for_update(no_key=True) if lock else Chat.objects.all()
    return chats.filter(direct_low_id=low, direct_high_id=high).first()


def lock_pair(one: UUID, other: UUID) -> None:
    """Hold what is between two people until the end of the transaction: a block and the making of
    their direct chat never cross. Taken before the chat's lock."""
    low, high = sorted((one, other))
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 2))", [f"{low}{high}"])


def lock_news(chat_ids: Iterable[UUID]) -> None:
    """Hold until the end of the transaction what is told of chats, and how far people have read:
    who reads or leaves at this moment is either seen to have done so, or finds what was told.

    A lock of its own, so that nobody here waits for senders. Taken after the chat's lock, before
    participants are written.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(id::text, 1))"
            " FROM unnest(%s::uuid[]) AS id",
            [sorted(chat_ids)],
        )


def share_a_chat(one: UUID, other: UUID) -> bool:
    """Whether two people take part in some chat together."""
    mine = Participant.objects.filter(user_id=one, left_at=None).values("chat_id")
    return Participant.objects.filter(user_id=other, left_at=None, chat_id__in=mine).exists()


def shy_strangers(user_id: UUID, others: Iterable[UUID]) -> QuerySet[User]:
    """Those of `others` who take messages only from people they share a chat with, and share none
    with this one."""
    mine = Participant.objects.filter(user_id=user_id, left_at=None).values("chat_id")
    known = Participant.objects.filter(chat_id__in=mine, left_at=None).values("user_id")
    shy = User.objects.filter(pk__in=list(others), writes_from=User.WritesFrom.CONTACTS)
    return shy.exclude(pk__in=known)


def memberships_of(user_ids: Iterable[UUID]) -> dict[UUID, dict[UUID, int]]:
    """For each person the chats that they take part in, what their sockets listen to; and each
    chat's `members_rev` at this moment. One query."""
    found: dict[UUID, dict[UUID, int]] = {user_id: {} for user_id in user_ids}
    rows = Participant.objects.filter(user_id__in=list(found), left_at=None)
    for user_id, chat_id, rev in rows.values_list("user_id", "chat_id", "chat__members_rev"):
        found[user_id][chat_id] = rev
    return found


def members_among(chat_id: UUID, user_ids: Iterable[UUID]) -> tuple[int, set[UUID]]:
    """The chat's `members_rev`, and which of these people take part.

    The number is read first: what changes between the two reads leads to another look, never to
    a missed one. A chat that is gone has nobody.
    """
    rev = Chat.objects.filter(pk=chat_id).values_list("members_rev", flat=True).first()
    rows = Participant.objects.filter(chat_id=chat_id, user_id__in=list(user_ids), left_at=None)
    return rev or 0, set(rows.values_list("user_id", flat=True))


def membership_marks(user_ids: Iterable[UUID]) -> dict[UUID, int]:
    """A number for each person that changes with the chats they take part in.

    One index-only read, a row a person; people without chats are missing.
    """
    rows = Participant.objects.filter(user_id__in=list(user_ids), left_at=None)
    marked = rows.values("user_id").annotate(mark=BitXor(Func("chat_id", Value(0), **UUID_HASH)))
    return dict(marked.values_list("user_id", "mark"))


UUID_HASH = {"function": "uuid_hash_extended", "output_field": BigIntegerField()}


@dataclass(frozen=True, slots=True)
class Audience:
    """Who hears live of a person's coming and going: the people of `chat_ids` but those in
    `hidden_from`; nobody unless `is_told`."""

    chat_ids: list[UUID]
    hidden_from: list[UUID]
    is_told: bool
    last_seen_at: datetime | None


def audiences_of(user_ids: Iterable[UUID]) -> dict[UUID, Audience]:
    """The audience of each of the people who exist, in three queries.

    In larger chats than `RECEIPTS_LIVE_LIMIT` nobody is told: it would be the crowd's square.
    """
    people = User.objects.in_bulk(list(user_ids))
    chats: dict[UUID, list[UUID]] = {user_id: [] for user_id in people}
    rows = _in_small_chats().filter(user_id__in=list(people))
    for user_id, chat_id in rows.values_list("user_id", "chat_id"):
        chats[user_id].append(chat_id)
    hidden = blocked_by(people)
    return {
        user_id: Audience(
            chats[user_id], hidden[user_id], shows_presence(person), person.last_seen_at
        )
        for user_id, person in people.items()
    }


def people_in_sight_of(user_id: UUID) -> list[UUID]:
    """Whose coming and going a person hears of live, in one query."""
    mine = _in_small_chats().filter(user_id=user_id).values("chat_id")
    near = Participant.objects.filter(chat_id__in=mine, left_at=None).values("user_id")
    shown = User.objects.filter(
        pk__in=near, is_active=True, last_seen_visibility=User.LastSeen.EVERYONE
    )
    seen = shown.exclude(pk=user_id).exclude(blocks__blocked_id=user_id)
    return list(seen.values_list("id", flat=True))


def _in_small_chats() -> QuerySet[Participant]:
    return Participant.objects.filter(
        left_at=None, chat__participant_count__lte=settings.RECEIPTS_LIVE_LIMIT
    )


def statuses_for(viewer_id: UUID, people: Iterable[User]) -> dict[UUID, dict[str, Any]]:
    """`status` and `last_seen_at` of each, as the viewer, who shares a chat with them, may know.

    One query, one Redis round trip, whatever the number.
    """
    near = {person.id: person for person in people}
    hidden = blockers_of(viewer_id, near)
    told = [one.id for one in near.values() if shows_presence(one) and one.id not in hidden]
    here = presence.online(told)
    found = {user_id: dict(UNTOLD) for user_id in near}
    for user_id in told:
        is_online = here is not None and user_id in here
        found[user_id] = {
            "status": None if here is None else "online" if is_online else "offline",
            "last_seen_at": None if is_online else near[user_id].last_seen_at,
        }
    return found


UNTOLD: dict[str, Any] = {"status": None, "last_seen_at": None}


def person_for(viewer_id: UUID, user_id: UUID) -> dict[str, Any]:
    """A `SeenPersonOut`; raises `PersonNotFound`. Strangers are told no presence."""
    person = access_person(viewer_id, user_id)
    is_near = share_a_chat(viewer_id, user_id)
    seen = statuses_for(viewer_id, [person])[user_id] if is_near else UNTOLD
    return {**person_out(person), **seen}


def living_people(user_ids: Iterable[UUID]) -> set[UUID]:
    """Those of the ids that name people who are there, in one query."""
    rows = User.objects.filter(pk__in=list(user_ids), is_active=True)
    return set(rows.values_list("id", flat=True))
