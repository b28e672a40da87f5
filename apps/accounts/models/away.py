"""Where people can be reached while they are away, and what they are told."""

from __future__ import annotations

from django.db import models
from django.db.models import Func, Q, Value
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts.models.people import LoginSession, User
from messenger.core.ids import new_id

NOTIFICATION_SEQ = "accounts_notification_seq"


class Device(models.Model):
    """Where pushes to one login session go; it ends with the session.

    `endpoint` is a Web Push subscription's address, or the token of FCM or APNs.
    """

    class Kind(models.TextChoices):
        WEB = "webpush", "Web Push"
        FCM = "fcm", "FCM"
        APNS = "apns", "APNs"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="devices")
    session = models.ForeignKey(LoginSession, on_delete=models.CASCADE, related_name="devices")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    endpoint = models.CharField(max_length=2000)
    # The browser's public key and the shared secret that pushes are encrypted for (RFC 8291).
    p256dh = models.CharField(max_length=100, blank=True)
    auth = models.CharField(max_length=50, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)
    # Since when nothing has got through; null while it works.
    failing_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("device")
        verbose_name_plural = _("devices")
        constraints = (
            # One row an address: registering again moves it to whoever uses it now.
            models.UniqueConstraint(fields=["kind", "endpoint"], name="device_endpoint_unique"),
            models.CheckConstraint(
                condition=~Q(kind="webpush") | (~Q(p256dh="") & ~Q(auth="")),
                name="device_webpush_has_keys",
            ),
        )
        indexes = (
            # The hourly pruning.
            models.Index(
                fields=["failing_since"],
                name="device_failing",
                condition=Q(failing_since__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class Notification(models.Model):
    """One thing that a person is told: a row a thing, however often somebody tells it.

    `subject` is what it is about; `thread` is where that belongs, so that reading a chat clears
    what was told of it. A row whose subject goes on (unread messages of one chat) moves forward:
    `position` grows, `seq` becomes the newest, and it is unread again. `pushed` is the position up
    to which pushes were queued.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="notifications", db_index=False
    )
    # Orders the list; taken anew when the row moves forward.
    seq = models.BigIntegerField(
        db_default=Func(Value(NOTIFICATION_SEQ), function="nextval"), editable=False
    )
    kind = models.CharField(max_length=32)
    subject = models.UUIDField()
    thread = models.UUIDField(null=True, blank=True)
    position = models.BigIntegerField(default=1)
    pushed = models.BigIntegerField(default=0)
    # Ids only, never what somebody wrote: a text may be edited, deleted, or hidden later.
    payload = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True, blank=True)
    mailed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        constraints = (
            models.UniqueConstraint(
                fields=["user", "kind", "subject"], name="notification_told_once"
            ),
        )
        indexes = (
            # The list, by key.
            models.Index(fields=["user", "-seq"], name="notification_list"),
            # The unread count, and clearing what belongs to a chat that has been read.
            models.Index(
                fields=["user", "thread"],
                name="notification_unread",
                condition=Q(read_at__isnull=True),
            ),
            # The sweep for mails about what was missed.
            models.Index(
                fields=["created_at"],
                name="notification_unmailed",
                condition=Q(read_at__isnull=True, mailed_at__isnull=True),
            ),
            # The hourly pruning.
            models.Index(fields=["created_at"], name="notification_age"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"
