"""Exactly-once commands: their ids are stored in the transaction that carries them out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.db import connection
from django.utils import timezone

from apps.messages.models import HandledCommand

KEPT_FOR = timedelta(days=14)  # longer than a broker holds what a consumer has not committed
PRUNE_BATCH = 5000


def commands_claim(ids: Sequence[UUID]) -> set[UUID]:
    """Store the commands' ids in the caller's transaction; returns those that are new.

    A concurrent claim of the same id waits for this transaction, and then finds it taken.
    """
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [sorted(set(ids))])
        return {row[0] for row in cursor.fetchall()}


def commands_release(ids: Sequence[UUID]) -> None:
    """Delete the ids of refused commands, in the transaction that claimed them.

    If the dead letter is lost in a crash, the redelivered command is refused again.
    """
    if ids:
        HandledCommand.objects.filter(pk__in=ids).delete()


def handled_commands_prune() -> int:
    """Delete old ids, in batches; returns their number."""
    limit = timezone.now() - KEPT_FOR
    pruned = 0
    while True:
        old = HandledCommand.objects.filter(handled_at__lt=limit).values("pk")[:PRUNE_BATCH]
        number, _ = HandledCommand.objects.filter(pk__in=old).delete()
        pruned += number
        if number < PRUNE_BATCH:
            return pruned


CLAIM = """
INSERT INTO messaging_handledcommand (command_id, handled_at)
SELECT id, now() FROM unnest(%s::uuid[]) AS id
ON CONFLICT DO NOTHING RETURNING command_id
"""
