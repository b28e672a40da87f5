"""Sign-in of apps with a password and, where it is set up, a second factor."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone

from apps.accounts import tokens
from apps.accounts.errors import InvalidCredentials
from apps.accounts.models import LoginSession, User
from apps.accounts.selectors import person_for_login, rights_of
from apps.accounts.services.registration import confirmation_is_mandatory, email_is_confirmed
from apps.accounts.services.second_factor import second_factor_verify
from apps.accounts.services.sessions import session_open
from messenger.core.limits import LOGIN_ACCOUNT


@dataclass(frozen=True)
class Device:
    """The device of a request."""

    user_agent: str
    ip_address: str


@dataclass(frozen=True)
class LoginResult:
    """`tokens` is None where the e-mail address must be confirmed first."""

    user: User
    email_confirmed: bool
    tokens: tokens.TokenPair | None


def login_throttle(*, login: str, user: User | None) -> None:
    """Count an attempt to sign in to this account. Raises `LimitExceeded`.

    An unknown name is counted as well, so that limits do not reveal which accounts exist.
    """
    name = str(user.id) if user else sha256(login.lower().encode()).hexdigest()
    LOGIN_ACCOUNT.take(name)


def user_login(*, login: str, password: str, otp: str | None, device: Device) -> LoginResult:
    """Sign in on an app; raises `InvalidCredentials`, `OtpRequired`, `OtpInvalid`,
    `PasskeyRequired`, `LimitExceeded`.

    Upgrades old password hashes. An unknown name takes as long as a wrong password.
    """
    user = person_for_login(login)
    login_throttle(login=login, user=user)
    if user is None:
        make_password(password)
        raise InvalidCredentials
    if not user.check_password(password) or not user.is_active:
        raise InvalidCredentials
    confirmed = email_is_confirmed(user)
    if confirmation_is_mandatory() and not confirmed:
        return LoginResult(user, confirmed, None)
    second_factor_verify(user=user, code=otp)
    with transaction.atomic():
        # Locks the row. If the password has changed since the check, the sign-in fails.
        unchanged = User.objects.filter(id=user.id, password=user.password, is_active=True)
        if not unchanged.update(last_login=timezone.now()):
            raise InvalidCredentials
        return LoginResult(user, confirmed, device_sign_in(user=user, device=device))


def device_sign_in(*, user: User, device: Device) -> tokens.TokenPair:
    """Open an app's session for an authenticated user."""
    session = session_open(
        user_id=user.id,
        kind=LoginSession.Kind.API,
        user_agent=device.user_agent,
        ip_address=device.ip_address,
    )
    return tokens.write_pair(session, user, rights_of(user))
