"""Queries about devices and notifications."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from allauth.account.models import EmailAddress
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from apps.accounts.errors import DeviceNotFound
from apps.accounts.models import Device, Notification, User
from apps.accounts.serializers import NotificationQuery, notification_out
from messenger.core.errors import NotFound


def device_list_for(user_id: UUID) -> QuerySet[Device]:
    """The user's devices with an active session, the newest first."""
    return _reachable().filter(user_id=user_id).order_by("-created_at", "-id")


def _reachable() -> QuerySet[Device]:
    return Device.objects.filter(
        session__revoked_at=None, session__expires_at__gt=timezone.now(), user__is_active=True
    )


def access_device_to_push(device_id: UUID) -> Device:
    """A device that accepts Web Push, with its user. Raises `DeviceNotFound`."""
    found = _reachable().filter(id=device_id, kind=Device.Kind.WEB).select_related("user").first()
    if found is None:
        raise DeviceNotFound
    return found


def access_notification(user_id: UUID, notification_id: UUID) -> Notification:
    """A notification of this user. Raises `NotFound`."""
    found = Notification.objects.filter(user_id=user_id, id=notification_id).first()
    if found is None:
        raise NotFound
    return found


def unread_counts(user_ids: Collection[UUID]) -> dict[UUID, int]:
    """The number of unread notifications per user; users without any are missing."""
    rows = Notification.objects.filter(user_id__in=user_ids, read_at=None)
    counted = rows.order_by().values("user_id").annotate(n=Count("*"))
    return dict(counted.values_list("user_id", "n"))


def notification_timeline_for(user_id: UUID, query: NotificationQuery) -> dict[str, Any]:
    """The `NotificationsOut` of a window, oldest first, in three queries."""
    mine = Notification.objects.filter(user_id=user_id)
    if query.after_seq is not None:
        rows = list(mine.filter(seq__gt=query.after_seq).order_by("seq")[: query.limit + 1])
        beyond, rows = len(rows) > query.limit, rows[: query.limit]
        before = mine.filter(seq__lte=query.after_seq).exists()
        return _window(user_id, rows, before=before, after=beyond)
    end = query.before_seq
    older = mine if end is None else mine.filter(seq__lt=end)
    rows = list(older.order_by("-seq")[: query.limit + 1])
    beyond, rows = len(rows) > query.limit, rows[: query.limit]
    after = end is not None and mine.filter(seq__gte=end).exists()
    return _window(user_id, rows[::-1], before=beyond, after=after)


def _window(
    user_id: UUID, rows: list[Notification], *, before: bool, after: bool
) -> dict[str, Any]:
    return {
        "items": [notification_out(row) for row in rows],
        "has_more_before": before,
        "has_more_after": after,
        "unread_count": unread_counts([user_id]).get(user_id, 0),
    }


def pushes_due(
    user_ids: Collection[UUID], threads: Collection[UUID]
) -> list[tuple[UUID, int, UUID | None]]:
    """Notifications of these threads that are not pushed yet: (notification, position, device).

    One entry per device; one with device None for a user without a device that accepts Web Push.
    """
    due = Notification.objects.filter(
        user_id__in=user_ids, thread__in=threads, read_at=None, pushed__lt=F("position")
    )
    found = list(due.values_list("id", "position", "user_id"))
    if not found:
        return []
    devices: dict[UUID, list[UUID | None]] = {}
    none: list[UUID | None] = [None]
    reachable = _reachable().filter(user_id__in={row[2] for row in found}, kind=Device.Kind.WEB)
    for device_id, owner in reachable.values_list("id", "user_id"):
        devices.setdefault(owner, []).append(device_id)
    return [
        (notification_id, position, device_id)
        for notification_id, position, owner in found
        for device_id in devices.get(owner, none)
    ]


def people_to_mail(*, created_before: datetime, mailed_before: datetime) -> QuerySet[User]:
    """Users with a notification older than `created_before` that is neither read nor mailed.

    Only those who want mails, have a confirmed address, and got no mail since `mailed_before`.
    """
    waiting = Notification.objects.filter(
        user_id=OuterRef("pk"), read_at=None, mailed_at=None, created_at__lt=created_before
    )
    confirmed = EmailAddress.objects.filter(user_id=OuterRef("pk"), verified=True)
    return User.objects.filter(
        Q(digested_at=None) | Q(digested_at__lt=mailed_before),
        Exists(waiting),
        Exists(confirmed.filter(email__iexact=OuterRef("email"))),
        email_digest=True,
        is_active=True,
    )
