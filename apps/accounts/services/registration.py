"""Registration and the confirmation of e-mail addresses."""

from __future__ import annotations

from dataclasses import dataclass

from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.accounts.errors import FieldRefused, InvalidKey
from apps.accounts.events import UserRegistered
from apps.accounts.models import User
from apps.accounts.selectors import person_for_login, person_with_email
from messenger.core.errors import InvalidInput
from messenger.core.events import emit


@dataclass(frozen=True)
class Registration:
    """`user` is None where the e-mail address has an account, which the answer must not reveal."""

    user: User | None


def user_create(*, username: str, email: str, password: str, locale: str = "en") -> User:
    """Store a user and emit the event. Raises `FieldRefused` for a name or address in use."""
    try:
        with transaction.atomic():
            user = User.objects.create_user(username, email.lower(), password, locale=locale)
            emit(
                UserRegistered(
                    user_id=user.id, username=user.username, display_name=user.display_name
                ),
                actor_id=user.id,
            )
    except IntegrityError as error:
        raise _taken("email" if "user_email_unique" in str(error) else "username") from error
    return user


def user_register(*, username: str, email: str, password: str) -> Registration:
    """Register a user with an unconfirmed address.

    Raises `FieldRefused` for a username in use, `InvalidInput` for a weak password. An e-mail
    address in use is refused as well, unless confirmation is mandatory: then that stays secret.
    """
    password_check(password, User(username=username, email=email))
    owner, namesake = person_with_email(email), person_for_login(username)
    if namesake is not None and namesake != owner:
        raise _taken("username")
    if owner is not None:
        return _in_use(password)
    try:
        with transaction.atomic():
            user = user_create(username=username, email=email, password=password)
            EmailAddress.objects.create(user=user, email=email.lower(), primary=True)
    except FieldRefused as refused:
        if refused.field == "email":
            return _in_use(password)
        raise
    return Registration(user)


def email_confirm(*, key: str) -> None:
    """Confirm the e-mail address of this key from a mail. Raises `InvalidKey`."""
    confirmation = EmailConfirmationHMAC.from_key(key)
    if confirmation is None:
        raise InvalidKey
    try:
        with transaction.atomic():
            address = confirmation.email_address
            if not address.set_verified():
                raise InvalidKey
            address.set_as_primary(conditional=True)
    except IntegrityError as error:  # another account has just confirmed the address
        raise InvalidKey from error


def confirmation_is_mandatory() -> bool:
    """Whether users must confirm their e-mail address before they can sign in."""
    return bool(settings.EMAIL_VERIFICATION == "mandatory")


def email_is_confirmed(user: User) -> bool:
    """Whether the user's current address is confirmed."""
    mine = EmailAddress.objects.filter(user_id=user.id, email=user.email.lower(), verified=True)
    return bool(mine.exists())


def password_check(password: str, user: User, field: str = "password") -> None:
    """Raise `InvalidInput` for `field` if the password is too weak for this user."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise InvalidInput(
            errors=[
                {
                    "field": field,
                    "code": one.code or "weak",
                    "detail": " ".join(one.messages),
                }
                for one in error.error_list
            ]
        ) from None


def _in_use(password: str) -> Registration:
    if not confirmation_is_mandatory():
        raise _taken("email")
    make_password(password)  # takes as long as a real registration
    return Registration(None)


def _taken(field: str) -> FieldRefused:
    details = {
        "username": _("This username is taken."),
        "email": _("There is an account with this e-mail address."),
    }
    return FieldRefused(field, "taken", details[field])
