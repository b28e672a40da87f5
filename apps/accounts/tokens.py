"""JSON Web Tokens: encoding and decoding, without the database.

Tokens depend on the session's row only, so a retried refresh gets the same tokens again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID, uuid5

from django.conf import settings
from django.core.signing import BadSignature, Signer
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError

from apps.accounts.errors import InvalidToken
from apps.accounts.models import LoginSession, User
from messenger.core.json import uuid_or_none

ACCESS, REFRESH = "access", "refresh"
UNSUBSCRIBE = "accounts.unsubscribe"
MAX_LENGTH = 16_384


@dataclass(frozen=True)
class TokenPair:
    """The tokens of a client: `access` for requests, `refresh` for the next pair."""

    access: str
    refresh: str


@dataclass(frozen=True)
class Rights:
    """Site-wide roles (names of groups) and permissions (`app.codename`)."""

    roles: list[str]
    permissions: list[str]


@dataclass(frozen=True)
class AccessClaims:
    user_id: UUID
    session_id: UUID
    expires_at: datetime


@dataclass(frozen=True)
class RefreshClaims:
    session_id: UUID
    jti: UUID


def write_pair(session: LoginSession, user: User, rights: Rights) -> TokenPair:
    """The current tokens of a session. Raises `ValueError` for a browser session."""
    if session.refresh_jti is None or session.rotated_at is None:
        raise ValueError("only a session of an app has tokens")
    issued_at = int(session.rotated_at.timestamp())
    access = {
        "token_type": ACCESS,
        "sub": str(user.id),
        "email": user.email,
        "roles": rights.roles,
        "permissions": rights.permissions,
        "is_superadmin": user.is_superuser,
        "sid": str(session.id),
        "iat": issued_at,
        "exp": issued_at + settings.ACCESS_TOKEN_LIFETIME,
        "jti": str(uuid5(session.refresh_jti, ACCESS)),
    }
    refresh = {
        "token_type": REFRESH,
        "sid": str(session.id),
        "jti": str(session.refresh_jti),
        "iat": issued_at,
        "exp": issued_at + settings.REFRESH_TOKEN_LIFETIME,
    }
    return TokenPair(access=_backend().encode(access), refresh=_backend().encode(refresh))


def read_access(token: str) -> AccessClaims:
    """The claims of a valid access token. Raises `InvalidToken`."""
    payload = _read(token, ACCESS)
    user_id, session_id = uuid_or_none(payload.get("sub")), uuid_or_none(payload.get("sid"))
    if user_id is None or session_id is None:
        raise InvalidToken
    return AccessClaims(user_id, session_id, datetime.fromtimestamp(payload["exp"], UTC))


def read_refresh(token: str) -> RefreshClaims:
    """The claims of a valid refresh token. Raises `InvalidToken`."""
    payload = _read(token, REFRESH)
    session_id, jti = uuid_or_none(payload.get("sid")), uuid_or_none(payload.get("jti"))
    if session_id is None or jti is None:
        raise InvalidToken
    return RefreshClaims(session_id, jti)


def _read(token: str, kind: str) -> dict[str, Any]:
    if len(token) > MAX_LENGTH or not token.isascii():
        raise InvalidToken
    try:
        payload = _backend().decode(token)  # type: ignore[arg-type]  # typed for another class
    except TokenBackendError as error:
        raise InvalidToken from error
    if payload.get("token_type") != kind or not isinstance(payload.get("exp"), int):
        raise InvalidToken
    return payload


def _backend() -> TokenBackend:
    return _backend_for(settings.SECRET_KEY)


@cache
def _backend_for(secret: str) -> TokenBackend:
    # A separate key, so no other signature of the site is valid for a token.
    return TokenBackend("HS256", hashlib.sha256(f"lumin.jwt:{secret}".encode()).hexdigest())


def unsubscribe_token(user_id: UUID) -> str:
    """A token that turns off the user's mails about unread messages. It does not expire."""
    return Signer(salt=UNSUBSCRIBE).sign(str(user_id))


def read_unsubscribe(token: str) -> UUID | None:
    """The user's id in the token; None where the token is invalid."""
    try:
        return uuid_or_none(Signer(salt=UNSUBSCRIBE).unsign(token))
    except BadSignature:
        return None
