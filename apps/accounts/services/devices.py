"""Devices that receive pushes."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.accounts.errors import DeviceNotFound
from apps.accounts.models import Device
from apps.accounts.selectors import access_login_session

DEVICES_LIMIT = 20  # per user; further ones replace the oldest
FAILING_RETENTION = timedelta(days=14)
PRUNE_BATCH = 1000


@transaction.atomic
def device_register(
    *, session_id: UUID, kind: str, endpoint: str, p256dh: str = "", auth: str = ""
) -> tuple[Device, bool]:
    """Store the device of an active session; returns it, and whether its row is new.

    An endpoint has one row, and a session one device of each kind: registering again moves it.
    Raises `SessionEnded`.
    """
    session = access_login_session(session_id)
    Device.objects.filter(session=session, kind=kind).exclude(endpoint=endpoint).delete()
    device, created = Device.objects.update_or_create(
        kind=kind,
        endpoint=endpoint,
        defaults={
            "user_id": session.user_id,
            "session": session,
            "p256dh": p256dh,
            "auth": auth,
            "seen_at": timezone.now(),
            "failing_since": None,
        },
    )
    extra = Device.objects.filter(user_id=session.user_id).order_by("-seen_at", "-id")
    Device.objects.filter(pk__in=list(extra.values_list("pk", flat=True)[DEVICES_LIMIT:])).delete()
    return device, created


def device_delete(*, user_id: UUID, device_id: UUID) -> None:
    """Delete a device of this user. Raises `DeviceNotFound`."""
    if not Device.objects.filter(user_id=user_id, id=device_id).delete()[0]:
        raise DeviceNotFound


def device_remove(device_id: UUID) -> None:
    """Delete a device whose push service reported that the subscription has ended."""
    Device.objects.filter(id=device_id).delete()


def device_record_result(device: Device, *, succeeded: bool) -> None:
    """Store whether a push succeeded; writes changes only."""
    rows = Device.objects.filter(id=device.id)
    if succeeded and device.failing_since is not None:
        rows.update(failing_since=None)
    elif not succeeded:
        rows.filter(failing_since=None).update(failing_since=timezone.now())


def devices_prune() -> int:
    """Delete devices whose pushes have failed for two weeks, or whose session has ended."""
    now = timezone.now()
    over = Q(session__expires_at__lt=now) | Q(session__revoked_at__isnull=False)
    dead = Device.objects.filter(Q(failing_since__lt=now - FAILING_RETENTION) | over)
    pruned = 0
    while ids := list(dead.values_list("id", flat=True)[:PRUNE_BATCH]):
        pruned += Device.objects.filter(id__in=ids).delete()[0]
    return pruned
