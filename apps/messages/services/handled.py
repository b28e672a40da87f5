"""Commands from a broker are done once: the note of it is part of the same transaction."""

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
    """Note the commands as done, in the caller's transaction; returns those that are new.

    Two who claim the same at once wait for each other: the second finds it taken.
    """
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [sorted(set(ids))])
        return {row[0] for row in cursor.fetchall()}


def commands_release(ids: Sequence[UUID]) -> None:
    """Take back the note of commands that turned out not to be possible, in the transaction that
    made it: should their dead letter be lost in a crash, they are refused again."""
    if ids:
        HandledCommand.objects.filter(pk__in=ids).delete()


def handled_commands_prune() -> int:
    """Forget old notes, in batches; returns how many."""
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
