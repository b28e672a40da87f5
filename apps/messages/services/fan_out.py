"""Notifying people of new messages: all who are offline, and those who are mentioned."""

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
from apps.messages.selectors.recipients import notification_recipients
from messenger.core import presence

Due = tuple[UUID, int, UUID | None]


def notifications_fan_out(
    messages: Sequence[NewMessage], *, chunk: tuple[int, int] | None = None
) -> list[Due]:
    """Write the notifications that these messages cause; of a large chat those of one `chunk`.

    Returns the pushes to devices that are due, like `pushes_due`, including those of an earlier
    run that was killed before it enqueued them. One statement and one Redis round trip where all
    recipients are connected.
    """
    if not messages:
        return []
    rows = list(notification_recipients(messages, chunk=chunk))
    connected = presence.connected({row.user_id for row in rows})
    mentioned = {user_id for one in messages for user_id in one.mentions}
    wanted = {row.user_id for row in rows} - (connected - mentioned)
    if not wanted:
        return []
    _write(messages, wanted, connected)
    return pushes_due(wanted, {one.chat_id for one in messages})


@transaction.atomic
def _write(
    messages: Sequence[NewMessage], user_ids: Collection[UUID], connected: Collection[UUID]
) -> None:
    by_chat = {
        chat_id: list(group) for chat_id, group in groupby(messages, key=lambda one: one.chat_id)
    }
    # Also serialises two runs for the same chat.
    lock_receipts(by_chat)
    now = timezone.now()
    blocked = blocked_by(user_ids)
    due: list[NewNotification] = []
    for row in notification_recipients(messages).filter(user_id__in=user_ids):
        wanted = [one for one in by_chat[row.chat_id] if one.sender_id not in blocked[row.user_id]]
        is_connected = row.user_id in connected
        notices = notices_for(row, wanted, is_connected=is_connected, now=now)
        due += [_notification(row.user_id, notice) for notice in notices]
    notifications_create(due)


def _notification(user_id: UUID, notice: Notice) -> NewNotification:
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
