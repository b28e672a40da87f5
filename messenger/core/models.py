"""Kernel tables: what happened and waits to be told to the outside."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from messenger.core.ids import new_id


class Timestamped(models.Model):
    """Creation and last change, on the server's clock."""

    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


class OutboxEvent(models.Model):
    """A domain event, written in the transaction of the change it tells (transactional outbox).

    `id` grows in commit order within one aggregate, because every writer holds the
    aggregate's row lock when it takes the number.
    """

    id = models.BigAutoField(primary_key=True)
    event_id = models.UUIDField(default=new_id, editable=False)
    event_type = models.CharField(max_length=64)
    aggregate_id = models.UUIDField()
    payload = models.JSONField()
    metadata = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)
    published_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("id",)
        indexes = (
            # The relay: what is not yet published, in order.
            models.Index(
                fields=["id"],
                name="outbox_unpublished",
                condition=models.Q(published_at__isnull=True),
            ),
            # The admin and consumers that ask for one event.
            models.Index(fields=["event_id"], name="outbox_event_id"),
        )

    def __str__(self) -> str:
        return f"{self.event_type} {self.event_id}"
