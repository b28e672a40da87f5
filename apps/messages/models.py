"""Messages, their earlier texts, and the log of staff who read them."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Length
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.chats.models import Chat
from messenger.core.ids import new_id

models.CharField.register_lookup(Length)
models.TextField.register_lookup(Length)


class Message(models.Model):
    """One message; its id may come from the client and makes a retry harmless.

    A deleted message keeps its row and `seq` without the text (a tombstone).
    `delivered_at` and `read_at` are set once: when the last other participant's cursor passes it,
    or when the last participant without a receipt leaves the chat.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    chat = models.ForeignKey(
        Chat, on_delete=models.CASCADE, related_name="messages", db_index=False
    )
    seq = models.BigIntegerField()
    rev = models.BigIntegerField(default=0)
    sender = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    text = models.TextField(blank=True)
    reply_to = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    # The participants whom the text mentions with @.
    mentions = ArrayField(models.UUIDField(), db_default=[], default=list)
    sent_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    edited_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = (
            # Timelines, replay, healing: a chat's messages in order, by key and never by offset.
            models.UniqueConstraint(fields=["chat", "seq"], name="message_seq_unique"),
            models.CheckConstraint(
                condition=Q(deleted_at__isnull=False, text="")
                | Q(deleted_at__isnull=True, text__length__gte=1, text__length__lte=5000),
                name="message_text_or_tombstone",
            ),
        )
        indexes = (
            # Replay of changes that a device missed.
            models.Index(fields=["chat", "rev"], name="message_rev", condition=Q(rev__gt=0)),
            # The unread mentions of each chat in the list of chats.
            models.Index(
                fields=["chat", "seq"], name="message_mentions", condition=~Q(mentions=[])
            ),
            # Deleting a chat: the foreign key looks up the replies to each message.
            models.Index(
                fields=["reply_to"],
                name="message_reply_to",
                condition=Q(reply_to__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"{self.chat_id} #{self.seq}"


class MessageEdit(models.Model):
    """A text that a message had before an edit."""

    id = models.BigAutoField(primary_key=True)
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="edits")
    text = models.TextField()
    replaced_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("earlier text")
        verbose_name_plural = _("earlier texts")

    def __str__(self) -> str:
        return f"{self.message_id} until {self.replaced_at:%Y-%m-%d %H:%M}"


class Disclosure(models.Model):
    """A member of staff was shown a conversation's texts, for this reason."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    staff = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="+")
    reason = models.CharField(max_length=500)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("disclosure")
        verbose_name_plural = _("disclosures")

    def __str__(self) -> str:
        return f"{self.staff_id} → {self.chat_id}"


class HandledCommand(models.Model):
    """The id of a broker's command that was carried out; its redelivery is ignored."""

    command_id = models.UUIDField(primary_key=True)
    handled_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("handled command")
        verbose_name_plural = _("handled commands")
        indexes = (
            # Pruning, oldest first.
            models.Index(fields=["handled_at"], name="handled_command_age"),
        )

    def __str__(self) -> str:
        return str(self.command_id)
