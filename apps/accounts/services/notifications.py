"""Notifications: created once per subject, broadcast to the user, read and deleted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from apps.accounts.models import NOTIFICATION_SEQ, Notification
from apps.accounts.selectors import unread_counts
from apps.accounts.serializers import notification_out
from apps.accounts.services import frames
from messenger.core import live
from messenger.core.ids import new_id
from messenger.core.json import dumps

READ_RETENTION = timedelta(days=30)
UNREAD_RETENTION = timedelta(days=180)
PRUNE_BATCH = 1000


@dataclass(frozen=True, slots=True)
class NewNotification:
    """A notification to create, see `Notification`; with `push` for the user's devices as well."""

    user_id: UUID
    kind: str
    subject: UUID
    thread: UUID | None
    position: int
    payload: dict[str, Any]
    push: bool


@transaction.atomic
def notifications_create(new: Sequence[NewNotification]) -> int:
    """Create or update notifications in one statement and broadcast them to their users.

    Those that exist with the same or a later position stay unchanged. Returns the number of created
    and updated ones. At most one per user, kind and subject. Callers in several processes must hold
    a lock that orders them per subject.
    """
    if not new:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            UPSERT,
            {
                "ids": [new_id() for _ in new],
                "users": [one.user_id for one in new],
                "kinds": [one.kind for one in new],
                "subjects": [one.subject for one in new],
                "threads": [one.thread for one in new],
                "positions": [one.position for one in new],
                "pushed": [0 if one.push else one.position for one in new],
                "payloads": [dumps(one.payload) for one in new],
            },
        )
        changed = [row[0] for row in cursor.fetchall()]
    rows = Notification.objects.in_bulk(changed).values()
    counts = unread_counts({row.user_id for row in rows})
    live.push(
        frames.notification(row.user_id, counts.get(row.user_id, 0), notification_out(row))
        for row in rows
    )
    return len(changed)


UPSERT = f"""
INSERT INTO accounts_notification
  (id, user_id, kind, subject, thread, position, pushed, payload, created_at)
SELECT id, user_id, kind, subject, thread, position, pushed, payload, clock_timestamp()
FROM unnest(%(ids)s::uuid[], %(users)s::uuid[], %(kinds)s::text[], %(subjects)s::uuid[],
            %(threads)s::uuid[], %(positions)s::bigint[], %(pushed)s::bigint[],
            %(payloads)s::jsonb[])
  AS new(id, user_id, kind, subject, thread, position, pushed, payload)
ORDER BY user_id, kind, subject
ON CONFLICT (user_id, kind, subject) DO UPDATE SET
  position = excluded.position, payload = excluded.payload, created_at = excluded.created_at,
  pushed = greatest(accounts_notification.pushed, excluded.pushed),
  seq = nextval('{NOTIFICATION_SEQ}'), read_at = NULL, mailed_at = NULL
WHERE accounts_notification.position < excluded.position
RETURNING id
"""  # noqa: S608  # a constant


def notifications_clear(read: Iterable[tuple[UUID, UUID, int]]) -> None:
    """Mark as read: (user, thread, position), all notifications up to that position.

    Precondition: inside the transaction that stores the positions. One statement where nothing was
    unread.
    """
    users, threads, positions = zip(*read, strict=True)
    parameters = [list(users), list(threads), list(positions)]
    with connection.cursor() as cursor:
        cursor.execute(CLEAR, parameters)
        user_ids = {row[0] for row in cursor.fetchall()}
    _broadcast_counts(user_ids)


CLEAR = """
UPDATE accounts_notification n SET read_at = clock_timestamp()
FROM unnest(%s::uuid[], %s::uuid[], %s::bigint[]) AS q(user_id, thread, position)
WHERE n.user_id = q.user_id AND n.thread = q.thread AND n.position <= q.position
  AND n.read_at IS NULL
RETURNING n.user_id
"""


@transaction.atomic
def notifications_read(
    *, user_id: UUID, seq: int | None = None, ids: Collection[UUID] | None = None
) -> None:
    """Mark the user's notifications as read: those of `ids`, or all up to `seq`."""
    rows = Notification.objects.filter(user_id=user_id, read_at=None)
    rows = rows.filter(seq__lte=seq) if ids is None else rows.filter(id__in=ids)
    if rows.update(read_at=timezone.now()):
        _broadcast_counts({user_id})


def notifications_delete(
    *, user_ids: Collection[UUID], subject: UUID | None = None, thread: UUID | None = None
) -> None:
    """Delete the notifications of these users about a subject, or in a thread.

    No statement without users.
    """
    if not user_ids:
        return
    rows = Notification.objects.filter(user_id__in=user_ids)
    rows = rows.filter(thread=thread) if subject is None else rows.filter(subject=subject)
    with transaction.atomic():
        affected = set(rows.filter(read_at=None).values_list("user_id", flat=True))
        rows.delete()
        _broadcast_counts(affected)


def notifications_pushed(due: Iterable[tuple[UUID, int]]) -> None:
    """Store that pushes of these (notification, position) were enqueued."""
    ids, positions = zip(*due, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(PUSHED, [list(ids), list(positions)])


PUSHED = """
UPDATE accounts_notification n SET pushed = q.position
FROM unnest(%s::uuid[], %s::bigint[]) AS q(id, position)
WHERE n.id = q.id AND n.pushed < q.position
"""


def notifications_prune() -> int:
    """Delete notifications after 30 days if read, after 180 days otherwise, in batches."""
    now = timezone.now()
    old = Notification.objects.filter(created_at__lt=now - READ_RETENTION)
    pruned = 0
    for rows in (old.exclude(read_at=None), old.filter(created_at__lt=now - UNREAD_RETENTION)):
        while ids := list(rows.values_list("id", flat=True)[:PRUNE_BATCH]):
            pruned += Notification.objects.filter(id__in=ids).delete()[0]
    return pruned


def _broadcast_counts(user_ids: Collection[UUID]) -> None:
    if user_ids:
        counts = unread_counts(user_ids)
        live.push(
            frames.notification(user_id, counts.get(user_id, 0), None) for user_id in user_ids
        )
