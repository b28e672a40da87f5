"""Kernel tables: what happened and waits to be told to the outside."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

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
    aggregate's row lock when it takes the number. Waiting are rows without `published_at` and
    without `refusal`; among them, `is_followed` says that the product's own followers know.
    """

    id = models.BigAutoField(primary_key=True)
    event_id = models.UUIDField(default=new_id, editable=False)
    event_type = models.CharField(max_length=64)
    topic = models.CharField(max_length=64)
    aggregate_id = models.UUIDField()
    payload = models.JSONField()
    metadata = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)
    published_at = models.DateTimeField(null=True, blank=True)
    is_followed = models.BooleanField(default=False, db_default=False)
    # Why the broker will never take it; staff may have it tried again.
    refusal = models.CharField(max_length=200, blank=True, default="", db_default="")

    class Meta:
        ordering = ("id",)
        indexes = (
            # The relay: what waits, in order, first what only the broker does not know yet.
            models.Index(
                fields=["is_followed", "id"],
                name="outbox_waiting",
                condition=models.Q(published_at__isnull=True, refusal=""),
            ),
            # Staff, health and metrics: what the broker has refused.
            models.Index(
                fields=["id"],
                name="outbox_refused",
                condition=~models.Q(refusal=""),
            ),
            # The admin and consumers that ask for one event.
            models.Index(fields=["event_id"], name="outbox_event_id"),
        )

    def __str__(self) -> str:
        return f"{self.event_type} {self.event_id}"


class FailedTask(models.Model):
    """A background task that will not be tried again by itself; staff may replay it."""

    id = models.BigAutoField(primary_key=True)
    task_id = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    # Encrypted: see `core.failures`.
    arguments = models.BinaryField()
    error = models.CharField(max_length=300)
    traceback = models.TextField(blank=True)
    failed_at = models.DateTimeField(default=timezone.now)
    replayed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        verbose_name = _("failed task")
        verbose_name_plural = _("failed tasks")

    def __str__(self) -> str:
        return f"{self.name} {self.task_id}"
