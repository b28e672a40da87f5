"""Devices that receive pushes, and notifications."""

from __future__ import annotations

from django.db import models
from django.db.models import Func, Q, Value
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts.models.people import LoginSession, User
from messenger.core.ids import new_id

NOTIFICATION_SEQ = "accounts_notification_seq"


class Device(models.Model):
    """A device that receives pushes for one login session, and is deleted with it.

    `endpoint` is the URL of a Web Push subscription, or the token of FCM or APNs.
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
    # The browser's public key and the shared secret for encryption (RFC 8291).
    p256dh = models.CharField(max_length=100, blank=True)
    auth = models.CharField(max_length=50, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)
    # When pushes began to fail; null while they succeed.
    failing_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("device")
        verbose_name_plural = _("devices")
        constraints = (
            # One row per endpoint: registering it again moves it to the new session.
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
    """A notification of a user about one subject; creating it again updates the row.

    `subject` is the id of a chat (unread messages) or of a message (a mention). `thread` is the id
    of its chat: reading the chat marks its notifications as read. When the subject goes on, for
    instance with further unread messages, `position` grows, `seq` becomes the newest and the row is
    unread again. `pushed` is the position up to which pushes were enqueued.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="notifications", db_index=False
    )
    # Orders the list; a new value whenever `position` grows.
    seq = models.BigIntegerField(
        db_default=Func(Value(NOTIFICATION_SEQ), function="nextval"), editable=False
    )
    kind = models.CharField(max_length=32)
    subject = models.UUIDField()
    thread = models.UUIDField(null=True, blank=True)
    position = models.BigIntegerField(default=1)
    pushed = models.BigIntegerField(default=0)
    # Ids only, no texts: these may be edited, deleted or hidden later.
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
            # The list of a user.
            models.Index(fields=["user", "-seq"], name="notification_list"),
            # The unread count, and reading all notifications of a chat.
            models.Index(
                fields=["user", "thread"],
                name="notification_unread",
                condition=Q(read_at__isnull=True),
            ),
            # The search for users to mail.
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
