"""People and their login sessions."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.indexes import OpClass
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower, Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from messenger.core.ids import new_id

USERNAME_PATTERN = r"^[A-Za-z][A-Za-z0-9_.]{2,31}$"
DELETED_PREFIX = "deleted_"
username_validators = [
    RegexValidator(
        USERNAME_PATTERN,
        _("3 to 32 Latin letters, digits, dots or underscores, beginning with a letter."),
    ),
    # The usernames of deleted accounts.
    RegexValidator(
        rf"^{DELETED_PREFIX}",
        _("This name is reserved."),
        code="reserved",
        inverse_match=True,
        flags=re.IGNORECASE,
    ),
]


class UserManager(BaseUserManager["User"]):
    """Finds users by username regardless of case."""

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(username__iexact=username)

    def create_user(
        self, username: str, email: str, password: str | None = None, **fields: Any
    ) -> User:
        """Store a user; the password is hashed, None makes it unusable."""
        user = self.model(username=username, email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, username: str, email: str, password: str, **fields: Any) -> User:
        """Store a user with all permissions in the admin."""
        return self.create_user(
            username, email, password, is_staff=True, is_superuser=True, **fields
        )


class User(AbstractBaseUser, PermissionsMixin):
    """A user. Deleted users stay as anonymised rows, which keeps conversations complete."""

    class LastSeen(models.TextChoices):
        EVERYONE = "everyone", _("Everyone I share a chat with")
        NOBODY = "nobody", _("Nobody")

    class WritesFrom(models.TextChoices):
        EVERYONE = "everyone", _("Everyone")
        CONTACTS = "contacts", _("People I share a chat with")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    username = models.CharField(_("username"), max_length=32, validators=username_validators)
    email = models.EmailField(_("e-mail"), max_length=254)
    display_name = models.CharField(_("name"), max_length=80, blank=True)
    bio = models.CharField(_("about me"), max_length=500, blank=True)
    locale = models.CharField(
        _("language"), max_length=8, default="en", choices=[("en", "English"), ("ru", "Русский")]
    )
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    last_seen_visibility = models.CharField(
        _("who sees when I was last here"),
        max_length=10,
        choices=LastSeen.choices,
        default=LastSeen.EVERYONE,
    )
    writes_from = models.CharField(
        _("who may write to me"),
        max_length=10,
        choices=WritesFrom.choices,
        default=WritesFrom.EVERYONE,
    )
    found_by_email = models.BooleanField(
        _("people who know my e-mail address may find me"), default=False
    )
    email_digest = models.BooleanField(_("e-mail me what I have missed"), default=True)
    push_shows_text = models.BooleanField(_("show texts in notifications"), default=True)
    # When the last mail about unread messages was sent.
    digested_at = models.DateTimeField(null=True, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    is_staff = models.BooleanField(_("staff"), default=False)
    date_joined = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    # Written when the user comes online and goes offline.
    last_seen_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["email"]

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints = (
            # Sign-in and registration ignore case.
            models.UniqueConstraint(Lower("username"), name="user_username_unique"),
            models.UniqueConstraint(Lower("email"), name="user_email_unique"),
        )
        indexes = (
            # People search by prefix of the username or the name, in any collation.
            models.Index(
                OpClass(Lower("username"), name="text_pattern_ops"), name="user_username_prefix"
            ),
            models.Index(
                OpClass(Lower("display_name"), name="text_pattern_ops"), name="user_name_prefix"
            ),
            # allauth searches with `iexact`, which is UPPER, and for the exact e-mail address.
            models.Index(Upper("username"), name="user_username_upper"),
            models.Index(fields=["email"], name="user_email_exact"),
        )

    def __str__(self) -> str:
        return self.username

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The name that others see: the display name, else the username."""
        return self.display_name or self.username


class Block(models.Model):
    """A user accepts no messages from another one and hides presence from them."""

    id = models.BigAutoField(primary_key=True)
    blocker = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="blocks", db_index=False
    )
    # Indexed for the users who have blocked me.
    blocked = models.ForeignKey(User, on_delete=models.CASCADE, related_name="blocked_by")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("block")
        verbose_name_plural = _("blocks")
        constraints = (
            # Also serves the list of people whom a user has blocked.
            models.UniqueConstraint(fields=["blocker", "blocked"], name="block_pair_unique"),
            models.CheckConstraint(
                condition=~models.Q(blocker=models.F("blocked")), name="block_not_oneself"
            ),
        )

    def __str__(self) -> str:
        return f"{self.blocker_id} blocks {self.blocked_id}"


class LoginSession(models.Model):
    """A sign-in on one device: the cookie session of a browser, or a chain of refresh tokens."""

    class Kind(models.TextChoices):
        API = "api", _("App")
        BROWSER = "browser", _("Browser")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="login_sessions")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    # The browser's Django session, which is deleted on revocation; empty for apps.
    session_key = models.CharField(max_length=40, blank=True)
    # The current refresh token and the one before it (RFC 9700, 4.14.2).
    refresh_jti = models.UUIDField(null=True, blank=True)
    previous_jti = models.UUIDField(null=True, blank=True)
    rotated_at = models.DateTimeField(null=True, blank=True)
    user_agent = models.CharField(max_length=300, blank=True)
    ip_address = models.GenericIPAddressField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoke_reason = models.CharField(max_length=40, blank=True)

    class Meta:
        verbose_name = _("login session")
        verbose_name_plural = _("login sessions")
        indexes = (
            # The active sessions of a user.
            models.Index(
                fields=["user", "-last_seen_at"],
                name="session_living",
                condition=models.Q(revoked_at__isnull=True),
            ),
            # The hourly pruning.
            models.Index(fields=["expires_at"], name="session_expiry"),
            models.Index(
                fields=["revoked_at"],
                name="session_revoked",
                condition=models.Q(revoked_at__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"
