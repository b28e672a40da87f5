"""Sending digests: mails about unread messages to people who are offline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.accounts.models import Notification, User
from apps.accounts.selectors import people_to_mail
from apps.accounts.serializers import notification_out
from apps.messages.selectors.inbox import chats_among
from apps.messages.selectors.notified import notified_messages_for
from messenger.core import presence

BATCH = 500
SHOWN = 200  # notifications that one mail covers


def digests_due() -> Iterator[UUID]:
    """People due for a digest: offline, with old unread notifications and no recent digest."""
    waiting = list(_to_mail().order_by("pk").values_list("pk", flat=True)[:BATCH])
    here = presence.connected(waiting)
    yield from (one for one in waiting if one not in here)


@transaction.atomic
def digest_send(*, user_id: UUID, send: Callable[[User, list[dict[str, Any]]], None]) -> bool:
    """Call `send(user, chats)` with the person's unread chats, unless a digest has covered them.

    The person's row is locked, so that of two concurrent runs one sends. `send` only enqueues the
    mail. Returns whether it was called.
    """
    mine = User.objects.select_for_update(of=("self",), skip_locked=True).filter(pk=user_id)
    user = mine.filter(pk__in=_to_mail().values("pk")).first()
    if user is None:
        return False
    now = timezone.now()
    rows = Notification.objects.filter(user=user, read_at=None, mailed_at=None)
    waiting = list(rows.order_by("-seq")[:SHOWN])
    chats = _chats(user, waiting)
    if chats:
        send(user, chats)
        User.objects.filter(pk=user_id).update(digested_at=now)
    Notification.objects.filter(pk__in=[row.pk for row in waiting]).update(mailed_at=now)
    return bool(chats)


def _to_mail() -> Any:
    now = timezone.now()
    return people_to_mail(
        created_before=now - timedelta(seconds=settings.DIGEST_AFTER),
        mailed_before=now - timedelta(seconds=settings.DIGEST_PAUSE),
    )


def _chats(user: User, waiting: list[Notification]) -> list[dict[str, Any]]:
    """The unread chats of these notifications, newest first, as `InboxChatOut`."""
    found_messages = notified_messages_for(user.id, [notification_out(row) for row in waiting])
    order = list(dict.fromkeys(one.chat.id for one in found_messages))
    found = {chat["id"]: chat for chat in chats_among(user.id, order)}
    # The person may have left a chat since then.
    return [found[one] for one in order if one in found and found[one]["unread_count"]]
