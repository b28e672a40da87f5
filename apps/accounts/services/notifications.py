"""Telling people things: once each, live where they are connected, gone once they know."""

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

READ_KEPT = timedelta(days=30)
UNREAD_KEPT = timedelta(days=180)
PRUNE_BATCH = 1000


@dataclass(frozen=True, slots=True)
class News:
    """One thing for one person; see `Notification`. `push` also sends it to their devices."""

    user_id: UUID
    kind: str
    subject: UUID
    thread: UUID | None
    position: int
    payload: dict[str, Any]
    push: bool


@transaction.atomic
def notifications_tell(news: Sequence[News]) -> int:
    """Tell them, one statement for all; what was told already up to its position stays as it is.

    At most one of `news` a person, kind and subject. Returns how many were new. Whoever tells of
    one subject from several processes at once holds a lock that orders them.
    """
    if not news:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            TELL,
            {
                "ids": [new_id() for _ in news],
                "users": [one.user_id for one in news],
                "kinds": [one.kind for one in news],
                "subjects": [one.subject for one in news],
                "threads": [one.thread for one in news],
                "positions": [one.position for one in news],
                "pushed": [0 if one.push else one.position for one in news],
                "payloads": [dumps(one.payload) for one in news],
            },
        )
        told = [row[0] for row in cursor.fetchall()]
    rows = Notification.objects.in_bulk(told).values()
    counts = unread_counts({row.user_id for row in rows})
    live.push(
        frames.notification(row.user_id, counts.get(row.user_id, 0), notification_out(row))
        for row in rows
    )
    return len(told)


TELL = f"""
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
"""  # noqa: S608  # a constant of ours


def notifications_clear(places: Iterable[tuple[UUID, UUID, int]]) -> None:
    """They know: (person, thread, position) up to which nothing is news any more.

    Precondition: inside the transaction in which they got there. One statement where nothing
    was unread.
    """
    users, threads, positions = zip(*places, strict=True)
    parameters = [list(users), list(threads), list(positions)]
    with connection.cursor() as cursor:
        cursor.execute(CLEAR, parameters)
        told = {row[0] for row in cursor.fetchall()}
    _tell_counts(told)


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
    """Mark one's own as read: those of `ids`, or all up to `seq`. Others' ids are passed over."""
    rows = Notification.objects.filter(user_id=user_id, read_at=None)
    rows = rows.filter(seq__lte=seq) if ids is None else rows.filter(id__in=ids)
    if rows.update(read_at=timezone.now()):
        _tell_counts({user_id})


def notifications_forget(
    *, user_ids: Collection[UUID], subject: UUID | None = None, thread: UUID | None = None
) -> None:
    """Take back from these people what is no longer there to be told: a subject, or a thread.

    No statement where there are no people.
    """
    if not user_ids:
        return
    rows = Notification.objects.filter(user_id__in=user_ids)
    rows = rows.filter(thread=thread) if subject is None else rows.filter(subject=subject)
    with transaction.atomic():
        told = set(rows.filter(read_at=None).values_list("user_id", flat=True))
        rows.delete()
        _tell_counts(told)


def notifications_pushed(due: Iterable[tuple[UUID, int]]) -> None:
    """Pushes up to these (notification, position) are queued."""
    ids, positions = zip(*due, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(PUSHED, [list(ids), list(positions)])


PUSHED = """
UPDATE accounts_notification n SET pushed = q.position
FROM unnest(%s::uuid[], %s::bigint[]) AS q(id, position)
WHERE n.id = q.id AND n.pushed < q.position
"""


def notifications_prune() -> int:
    """Delete what was read over 30 days ago, or told over 180 days ago, in batches."""
    now = timezone.now()
    old = Notification.objects.filter(created_at__lt=now - READ_KEPT)
    pruned = 0
    for rows in (old.exclude(read_at=None), old.filter(created_at__lt=now - UNREAD_KEPT)):
        while ids := list(rows.values_list("id", flat=True)[:PRUNE_BATCH]):
            pruned += Notification.objects.filter(id__in=ids).delete()[0]
    return pruned


def _tell_counts(user_ids: Collection[UUID]) -> None:
    if user_ids:
        counts = unread_counts(user_ids)
        live.push(
            frames.notification(user_id, counts.get(user_id, 0), None) for user_id in user_ids
        )
