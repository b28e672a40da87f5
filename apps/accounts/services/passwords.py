"""Changing a known password, and replacing a forgotten one."""

from __future__ import annotations

from uuid import UUID

from allauth.account.forms import EmailAwarePasswordResetTokenGenerator
from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.errors import FieldRefused, InvalidKey
from apps.accounts.models import User
from apps.accounts.selectors import access_user
from apps.accounts.services.registration import password_check
from apps.accounts.services.sessions import sessions_revoke
from messenger.core.json import uuid_or_none


def password_set(*, user: User, password: str, keep_session_id: UUID | None, reason: str) -> None:
    """Store a new password and end all sessions except `keep_session_id`."""
    with transaction.atomic():
        user.set_password(password)
        user.save(update_fields=["password", "updated_at"])
        sessions_revoke(user_id=user.id, except_id=keep_session_id, reason=reason)


def password_change(*, user_id: UUID, session_id: UUID, password: str, new_password: str) -> User:
    """Replace the password and end the user's other sessions. Raises `InvalidInput`."""
    with transaction.atomic():
        user = access_user(user_id)
        if not user.check_password(password):
            raise wrong_password_error()
        password_check(new_password, user, field="new_password")
        password_set(
            user=user,
            password=new_password,
            keep_session_id=session_id,
            reason="password_change",
        )
    return user


def password_reset_confirm(*, key: str, password: str) -> None:
    """Set a password with the key from a mail and end all sessions.

    Raises `InvalidKey` for a wrong, expired or used key; `InvalidInput` for a weak password.
    """
    uid, _separator, token = key.partition("-")
    user_id = uuid_or_none(uid)
    if user_id is None:
        raise InvalidKey
    with transaction.atomic():
        user = User.objects.select_for_update().filter(id=user_id, is_active=True).first()
        if user is None or not EmailAwarePasswordResetTokenGenerator().check_token(user, token):
            raise InvalidKey
        password_check(password, user)
        password_set(user=user, password=password, keep_session_id=None, reason="password_reset")


def wrong_password_error() -> FieldRefused:
    """The error for a wrong current password."""
    return FieldRefused("password", "wrong", _("This is not your password."))
