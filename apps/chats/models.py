"""Chats and who takes part in them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from messenger.core.ids import new_id
from messenger.core.models import Timestamped


class Chat(Timestamped):
    """A conversation. Its row is the lock that gives every message its `seq`.

    `last_seq` counts messages without gaps. `last_rev` counts changes of messages (edits,
    deletions), so that a device can ask for those it missed. `members_rev` counts changes of
    participation, so that a web process can check its cached participants. `authority_rev` counts
    changes of what participants may do: marks computed at an earlier one are stale.
    """

    class Kind(models.TextChoices):
        DIRECT = "direct", _("Direct")
        GROUP = "group", _("Group")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    title = models.CharField(max_length=120, blank=True)
    description = models.CharField(max_length=500, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    # A direct chat's two people, the smaller id first; null for groups.
    direct_low = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
    )
    direct_high = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
    )
    participant_count = models.IntegerField(default=0)
    last_seq = models.BigIntegerField(default=0)
    last_rev = models.BigIntegerField(default=0)
    members_rev = models.BigIntegerField(default=0)
    authority_rev = models.BigIntegerField(default=0, db_default=0)
    last_message_at = models.DateTimeField(default=timezone.now)
    # Whether newcomers see the messages from before they joined.
    shares_history = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("chat")
        verbose_name_plural = _("chats")
        constraints = (
            # One direct chat a pair, also when both write first at the same moment.
            models.UniqueConstraint(
                fields=["direct_low", "direct_high"], name="chat_direct_pair_unique"
            ),
            models.CheckConstraint(
                condition=Q(kind="direct", direct_low__lt=F("direct_high"))
                | Q(kind="group", direct_low__isnull=True, direct_high__isnull=True),
                name="chat_kind_matches_pair",
            ),
        )

    def __str__(self) -> str:
        return self.title or str(self.id)


def active_sql(alias: str) -> str:
    """`ParticipantQuerySet.active` for written SQL; `alias` names `chats_participant` there."""
    return f"{alias}.left_at IS NULL"


class ParticipantQuerySet(models.QuerySet["Participant"]):
    def active(self) -> ParticipantQuerySet:
        """Those who take part now; the rows of people who left are kept for their return."""
        return self.filter(left_at=None)


class Participant(models.Model):
    """One person in one chat: role, visibility, receipts, and the mark that lets them post.

    The cursors are receipts: messages up to `delivered_seq` have reached the person, messages up
    to `read_seq` have been read. They only grow.

    The mark (`may_post`, `may_post_until`, `authority_rev`) caches the answer of the chat's policy
    to `Action.SEND`, see `rules`. Null means: not computed. It is valid until `may_post_until`
    (null: no end) and while `authority_rev` equals the chat's.
    """

    class Role(models.TextChoices):
        OWNER = "owner", _("Owner")
        ADMIN = "admin", _("Admin")
        MEMBER = "member", _("Member")

    class Notify(models.TextChoices):
        ALL = "all", _("All messages")
        MENTIONS = "mentions", _("Mentions only")
        NONE = "none", _("Nothing")

    chat = models.ForeignKey(
        Chat, on_delete=models.CASCADE, related_name="participants", db_index=False
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="participations",
        db_index=False,
    )
    role = models.CharField(max_length=8, choices=Role.choices, default=Role.MEMBER)
    joined_at = models.DateTimeField(default=timezone.now)
    # Messages up to this `seq` are invisible to them.
    hidden_seq = models.BigIntegerField(default=0)
    left_at = models.DateTimeField(null=True, blank=True)
    delivered_seq = models.BigIntegerField(default=0)
    delivered_at = models.DateTimeField(null=True, blank=True)
    read_seq = models.BigIntegerField(default=0)
    read_at = models.DateTimeField(null=True, blank=True)
    # Of a direct chat: copies of the blocks between its two people, changed under the chat's lock.
    has_blocked = models.BooleanField(default=False, db_default=False)
    is_blocked = models.BooleanField(default=False, db_default=False)
    may_post = models.BooleanField(null=True, editable=False)
    may_post_until = models.DateTimeField(null=True, editable=False)
    authority_rev = models.BigIntegerField(default=0, db_default=0, editable=False)
    # The person's own preferences, invisible to others.
    muted_until = models.DateTimeField(null=True, blank=True)
    notify = models.CharField(max_length=8, choices=Notify.choices, default=Notify.ALL)
    pinned = models.BooleanField(default=False)
    archived = models.BooleanField(default=False)
    draft = models.TextField(blank=True)

    objects = ParticipantQuerySet.as_manager()

    class Meta:
        verbose_name = _("participant")
        verbose_name_plural = _("participants")
        constraints = (
            # The mark on every send, receipts: one row per person and chat, kept after leaving.
            models.UniqueConstraint(fields=["chat", "user"], name="participant_unique"),
        )
        indexes = (
            # My chats.
            models.Index(
                fields=["user", "chat"],
                name="participant_mine",
                condition=Q(left_at__isnull=True),
            ),
        )

    def __str__(self) -> str:
        return f"{self.user_id} in {self.chat_id}"
