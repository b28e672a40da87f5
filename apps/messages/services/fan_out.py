"""Telling people who are away what was said; those who are connected have heard it already."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import groupby
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.accounts.selectors import blocked_by, pushes_due
from apps.accounts.services.notifications import NewNotification, notifications_create
from apps.chats.selectors import lock_receipts
from apps.messages.rules import NewMessage, Notice, notices_for
from apps.messages.selectors.away import perhaps_away
from messenger.core import presence

Due = tuple[UUID, int, UUID | None]


def news_tell(news: Sequence[NewMessage], *, part: tuple[int, int] | None = None) -> list[Due]:
    """Tell of the messages whoever has to be told; of a crowd, those of one `part`.

    Returns the pushes that are due, as `pushes_due` does, also those that an earlier run was
    killed before queueing. One statement and one question to Redis where all are connected.
    """
    if not news:
        return []
    rows = list(perhaps_away(news, part=part))
    connected = presence.connected({row.user_id for row in rows})
    named = {user_id for one in news for user_id in one.mentions}
    wanted = {row.user_id for row in rows} - (connected - named)
    if not wanted:
        return []
    _write(news, wanted, connected)
    return pushes_due(wanted, {one.chat_id for one in news})


@transaction.atomic
def _write(
    news: Sequence[NewMessage], user_ids: Collection[UUID], connected: Collection[UUID]
) -> None:
    by_chat = {
        chat_id: list(group) for chat_id, group in groupby(news, key=lambda one: one.chat_id)
    }
    # Also orders two runs of this.
    lock_receipts(by_chat)
    now = timezone.now()
    unheard = blocked_by(user_ids)  # one is told nothing of what those say whom one has blocked
    told: list[NewNotification] = []
    for row in perhaps_away(news).filter(user_id__in=user_ids):
        heard = [one for one in by_chat[row.chat_id] if one.sender_id not in unheard[row.user_id]]
        is_connected = row.user_id in connected
        notices = notices_for(row, heard, is_connected=is_connected, now=now)
        told += [_news(row.user_id, notice) for notice in notices]
    notifications_create(told)


def _news(user_id: UUID, notice: Notice) -> NewNotification:
    message = notice.message
    return NewNotification(
        user_id=user_id,
        kind=notice.kind,
        subject=message.id if notice.kind == "mention" else message.chat_id,
        thread=message.chat_id,
        position=message.seq,
        payload={
            "chat_id": message.chat_id,
            "message_id": message.id,
            "seq": message.seq,
            "sender_id": message.sender_id,
        },
        push=notice.push,
    )
