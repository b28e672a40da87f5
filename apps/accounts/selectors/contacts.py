"""Queries about contacts, presence and blocks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

from apps.accounts.models import Block, User
from apps.accounts.rules import shows_presence
from apps.accounts.selectors.people import access_person
from apps.accounts.serializers import person_out
from messenger.core import presence

# (person, others) → those of the others who are the person's contacts.
ContactSource = Callable[[UUID, Collection[UUID]], set[UUID]]
_sources: list[ContactSource] = []
HIDDEN: dict[str, Any] = {"status": None, "last_seen_at": None}


def register_contact_source(source: ContactSource) -> None:
    """Count as contacts also those whom `source` finds.

    Upper apps know how people meet (sharing a chat, for example) and call this in
    `AppConfig.ready`; registering the same source again changes nothing.
    """
    if source not in _sources:
        _sources.append(source)


def contacts_among(user_id: UUID, others: Collection[UUID]) -> set[UUID]:
    """Those of `others` who are contacts of the person by any source; a query per source."""
    found: set[UUID] = set()
    for source in _sources if others else ():
        found |= source(user_id, others)
    return found


def contacts_only_strangers(user_id: UUID, others: Iterable[UUID]) -> set[UUID]:
    """Those of `others` who accept messages only from contacts, and are none of the person's."""
    rows = User.objects.filter(pk__in=list(others), writes_from=User.WritesFrom.CONTACTS)
    restricted = set(rows.values_list("id", flat=True))
    return restricted - contacts_among(user_id, restricted)


def statuses_for(viewer_id: UUID, people: Iterable[User]) -> dict[UUID, dict[str, Any]]:
    """`status` and `last_seen_at` of the viewer's contacts, as far as the viewer may see them.

    The caller makes sure that they are contacts. One query and one Redis round trip.
    """
    contacts = {person.id: person for person in people}
    hidden = blockers_of(viewer_id, contacts)
    visible = [one.id for one in contacts.values() if shows_presence(one) and one.id not in hidden]
    online = presence.online(visible)
    found = {user_id: dict(HIDDEN) for user_id in contacts}
    for user_id in visible:
        is_online = online is not None and user_id in online
        found[user_id] = {
            "status": None if online is None else "online" if is_online else "offline",
            "last_seen_at": None if is_online else contacts[user_id].last_seen_at,
        }
    return found


def person_for(viewer_id: UUID, user_id: UUID) -> dict[str, Any]:
    """A `ProfileOut`; raises `PersonNotFound`. Presence is shown to contacts only."""
    person = access_person(viewer_id, user_id)
    is_contact = bool(contacts_among(viewer_id, [user_id]))
    seen = statuses_for(viewer_id, [person])[user_id] if is_contact else HIDDEN
    return {**person_out(person), **seen}


def lock_pair(one: UUID, other: UUID) -> None:
    """Serialise blocks between two people, and the creation of their direct chat, until commit.

    Taken before any chat's row lock.
    """
    low, high = sorted((one, other))
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 2))", [f"{low}{high}"])


def blocks_between(one: UUID, other: UUID) -> set[UUID]:
    """Those of the two who have blocked the other."""
    pair = Q(blocker=one, blocked=other) | Q(blocker=other, blocked=one)
    return set(Block.objects.filter(pair).values_list("blocker_id", flat=True))


def blockers_of(user_id: UUID, among: Iterable[UUID]) -> set[UUID]:
    """Those of `among` who have blocked the person."""
    rows = Block.objects.filter(blocked=user_id, blocker__in=list(among))
    return set(rows.values_list("blocker_id", flat=True))


def blocked_by(user_ids: Iterable[UUID]) -> dict[UUID, list[UUID]]:
    """The people whom each of these has blocked, in one query."""
    found: dict[UUID, list[UUID]] = {user_id: [] for user_id in user_ids}
    rows = Block.objects.filter(blocker__in=list(found))
    for blocker_id, blocked_id in rows.values_list("blocker_id", "blocked_id"):
        found[blocker_id].append(blocked_id)
    return found


def block_list_for(user_id: UUID) -> QuerySet[Block]:
    """The person's blocks, the latest first, with the blocked people."""
    return Block.objects.filter(blocker=user_id).select_related("blocked").order_by("-id")
