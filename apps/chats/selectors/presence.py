"""Who gets live presence frames about whom."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings

from apps.accounts.models import User
from apps.accounts.rules import shows_presence
from apps.accounts.selectors import blocked_by
from apps.chats.models import Participant, ParticipantQuerySet


@dataclass(frozen=True, slots=True)
class Audience:
    """Who gets a person's presence live: the participants of `chat_ids` except `hidden_from`.

    `is_visible` is False where the person's privacy setting hides their presence from everyone.
    """

    chat_ids: list[UUID]
    hidden_from: list[UUID]
    is_visible: bool
    last_seen_at: datetime | None


def audiences_of(user_ids: Iterable[UUID]) -> dict[UUID, Audience]:
    """The audience of each of the people who exist, in three queries.

    Chats of more than `RECEIPTS_LIVE_LIMIT` participants are left out: their presence traffic
    would grow with the square of their size.
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
    """The people whose presence a person gets live, in one query."""
    mine = _in_small_chats().filter(user_id=user_id).values("chat_id")
    near = Participant.objects.active().filter(chat_id__in=mine).values("user_id")
    shown = User.objects.filter(
        pk__in=near, is_active=True, last_seen_visibility=User.LastSeen.EVERYONE
    )
    seen = shown.exclude(pk=user_id).exclude(blocks__blocked_id=user_id)
    return list(seen.values_list("id", flat=True))


def _in_small_chats() -> ParticipantQuerySet:
    return Participant.objects.active().filter(
        chat__participant_count__lte=settings.RECEIPTS_LIVE_LIMIT
    )
