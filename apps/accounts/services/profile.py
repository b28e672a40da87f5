"""Changing, deactivating and deleting accounts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.db import transaction
from django.utils import timezone

from apps.accounts import tokens
from apps.accounts.errors import InvalidKey
from apps.accounts.events import UserDeleted, UserUnblocked, UserUpdated
from apps.accounts.models import DELETED_PREFIX, Block, LoginSession, Notification, User
from apps.accounts.selectors import access_user
from apps.accounts.serializers import UserUpdateInput
from apps.accounts.services.last_seen import presence_changed
from apps.accounts.services.passwords import wrong_password_error
from apps.accounts.services.sessions import sessions_revoke
from messenger.core import live
from messenger.core.events import emit

PROFILE_FIELDS = frozenset(UserUpdateInput.model_fields)
PUBLIC_FIELDS = frozenset({"display_name", "bio"})


def user_update(*, user_id: UUID, changes: Mapping[str, Any]) -> User:
    """Change the user's profile; `changes` has validated values of `PROFILE_FIELDS`."""
    if unknown := changes.keys() - PROFILE_FIELDS:
        raise ValueError(f"not a profile field: {sorted(unknown)}")
    with transaction.atomic():
        user = access_user(user_id)
        changed = {name for name, value in changes.items() if getattr(user, name) != value}
        for name in changed:
            setattr(user, name, changes[name])
        if changed:
            user.save(update_fields=[*changed, "updated_at"])
        if "last_seen_visibility" in changed:
            live.push([presence_changed(user.id)])
        if changed & PUBLIC_FIELDS:
            emit(_updated(user), actor_id=user.id)
    return user


def digest_disable(*, token: str) -> None:
    """Turn off mails about unread messages with a token from one. Raises `InvalidKey`."""
    user_id = tokens.read_unsubscribe(token)
    if user_id is None:
        raise InvalidKey
    User.objects.filter(id=user_id).update(email_digest=False)


def user_set_active(*, actor_id: UUID, user_id: UUID, is_active: bool) -> None:
    """Activate an account, or deactivate it and end its sessions. The actor is staff.

    Deleted accounts stay unchanged.
    """
    with transaction.atomic():
        user = User.objects.select_for_update().get(id=user_id)
        if user.is_active == is_active or user.deleted_at is not None:
            return
        user.is_active = is_active
        user.save(update_fields=["is_active", "updated_at"])
        if not is_active:
            sessions_revoke(user_id=user.id, reason="deactivated")
        emit(_updated(user), actor_id=actor_id)


def user_delete(*, user_id: UUID, password: str) -> None:
    """Anonymise the user's account permanently. Raises `InvalidInput` for a wrong password."""
    with transaction.atomic():
        user = access_user(user_id)
        if not user.check_password(password):
            raise wrong_password_error()
        user_anonymise(actor_id=user.id, user=user)


def user_anonymise(*, actor_id: UUID, user: User) -> None:
    """Delete personal data and end all sessions. The row stays, which keeps conversations complete.

    Precondition: the row is locked.
    """
    with transaction.atomic():
        sessions_revoke(user_id=user.id, reason="deleted")
        LoginSession.objects.filter(user=user).update(ip_address=None, user_agent="")
        EmailAddress.objects.filter(user=user).delete()
        Authenticator.objects.filter(user=user).delete()
        Notification.objects.filter(user=user).delete()
        user.groups.clear()
        user.user_permissions.clear()
        # The random part of the id: unique and anonymous.
        user.username = f"{DELETED_PREFIX}{user.id.hex[12:]}"
        user.email = f"{user.id.hex}@deleted.invalid"
        user.display_name = user.bio = ""
        user.locale, user.time_zone = "en", "UTC"
        user.last_seen_visibility = User.LastSeen.NOBODY
        user.found_by_email = user.email_digest = False
        user.is_active = user.is_staff = user.is_superuser = False
        user.last_login = user.last_seen_at = None
        user.deleted_at = timezone.now()
        blocks = Block.objects.filter(blocker=user)
        for blocked_id in blocks.values_list("blocked_id", flat=True):
            emit(UserUnblocked(user_id=user.id, blocked_id=blocked_id), actor_id=actor_id)
        blocks.delete()
        user.set_unusable_password()
        user.save()
        emit(UserDeleted(user_id=user.id), actor_id=actor_id)


def _updated(user: User) -> UserUpdated:
    return UserUpdated(
        user_id=user.id,
        username=user.username,
        display_name=user.display_name,
        bio=user.bio,
        is_active=user.is_active,
    )
