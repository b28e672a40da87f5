"""Tables of the kernel: the outbox of domain events, and tasks that failed."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from messenger.core.ids import new_id


class Timestamped(models.Model):
    """Times of creation and last change, on the server's clock."""

    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


class OutboxEvent(models.Model):
    """A domain event, written in the transaction of the change that it describes.

    `id` grows in commit order within one aggregate, because every writer holds the lock of the
    aggregate's row when it takes the number. Rows without `published_at` and without `refusal`
    wait for the relay; those with `is_dispatched` wait only for the broker: the tasks that handle
    them have been enqueued.
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
    is_dispatched = models.BooleanField(default=False, db_default=False)
    # Why the broker refused it permanently; staff can have it published again.
    refusal = models.CharField(max_length=200, blank=True, default="", db_default="")

    class Meta:
        ordering = ("id",)
        indexes = (
            # The relay: waiting rows in order.
            models.Index(
                fields=["is_dispatched", "id"],
                name="outbox_waiting",
                condition=models.Q(published_at__isnull=True, refusal=""),
            ),
            # Staff, health and metrics: rows that the broker refused.
            models.Index(
                fields=["id"],
                name="outbox_refused",
                condition=~models.Q(refusal=""),
            ),
            # The admin's search for one event.
            models.Index(fields=["event_id"], name="outbox_event_id"),
        )

    def __str__(self) -> str:
        return f"{self.event_type} {self.event_id}"


class FailedTask(models.Model):
    """A background task that is not retried any more; staff can replay it."""

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
