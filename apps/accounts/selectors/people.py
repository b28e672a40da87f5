"""Queries about people and login sessions."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from allauth.account.models import EmailAddress
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import Group, Permission
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.db import SessionStore
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Lower
from django.utils import timezone

from apps.accounts import tokens
from apps.accounts.errors import InvalidCredentials, PersonNotFound, SessionEnded
from apps.accounts.models import LoginSession, User
from messenger.core.errors import NotAuthenticated
from messenger.core.json import uuid_or_none

# The key of the LoginSession's id in a browser's Django session.
LOGIN_SESSION_KEY = "login_session"
WELL_FORMED_KEY = re.compile(r"[a-z0-9]{32}")


@dataclass(frozen=True)
class Identity:
    """The authenticated user and login session, and when the proof of it expires."""

    user: User
    session_id: UUID
    expires_at: datetime | None


def identity_for_access_token(token: str) -> Identity:
    """The identity of an access token, in one query.

    Raises `NotAuthenticated` for a forged or expired token, a revoked session, an inactive user.
    """
    claims = tokens.read_access(token)
    session = _active_session(claims.session_id, claims.user_id)
    if session is None:
        raise SessionEnded
    return Identity(session.user, session.id, claims.expires_at)


def identity_for_session_key(session_key: str) -> Identity:
    """The identity of a browser's cookie, in two queries. Raises `NotAuthenticated`."""
    if not WELL_FORMED_KEY.fullmatch(session_key):
        raise NotAuthenticated
    session = session_in(SessionStore(session_key).load())
    if session is None:
        raise NotAuthenticated
    return Identity(session.user, session.id, session.expires_at)


def session_in(data: Mapping[str, Any] | SessionBase) -> LoginSession | None:
    """The active login session that a Django session belongs to, with its user, in one query.

    None where it has ended, or the user's password has changed since.
    """
    session_id = uuid_or_none(data.get(LOGIN_SESSION_KEY))
    user_id = uuid_or_none(data.get(SESSION_KEY))
    if session_id is None or user_id is None:
        return None
    session = _active_session(session_id, user_id)
    if session is None or not _is_hash_valid(data.get(HASH_SESSION_KEY), session.user):
        return None
    return session


def _active_session(session_id: UUID, user_id: UUID) -> LoginSession | None:
    return (
        LoginSession.objects.select_related("user")
        .filter(
            id=session_id,
            user_id=user_id,
            revoked_at=None,
            expires_at__gt=timezone.now(),
            user__is_active=True,
        )
        .first()
    )


def _is_hash_valid(given: object, user: User) -> bool:
    expected = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    return any(hmac.compare_digest(str(given), one) for one in expected)


def access_login_session(session_id: UUID) -> LoginSession:
    """An active session of an active user, locked until the end of the transaction.

    Raises `SessionEnded`.
    """
    session = (
        LoginSession.objects.select_for_update(of=("self",))
        .select_related("user")
        .filter(id=session_id, revoked_at=None, expires_at__gt=timezone.now())
        .first()
    )
    if session is None or not session.user.is_active:
        raise SessionEnded
    return session


def session_list_for(user_id: UUID) -> QuerySet[LoginSession]:
    """The user's active sessions, the most recently used first."""
    return LoginSession.objects.filter(
        user_id=user_id, revoked_at=None, expires_at__gt=timezone.now()
    ).order_by("-last_seen_at", "-id")


def rights_of(user: User) -> tokens.Rights:
    """Site-wide roles and permissions, in two queries.

    Only granted ones, for superadmins as well, whom `is_superadmin` marks.
    """
    roles = Group.objects.filter(user=user).order_by("name").values_list("name", flat=True)
    granted = (
        Permission.objects.filter(Q(user=user) | Q(group__user=user))
        .order_by()
        .values_list("content_type__app_label", "codename")
        .distinct()
    )
    return tokens.Rights(list(roles), sorted(f"{app}.{name}" for app, name in granted))


def person_for_login(login: str) -> User | None:
    """The user with this username or e-mail address, regardless of case."""
    if "@" in login:
        return person_with_email(login)
    return User.objects.alias(key=Lower("username")).filter(key=login.lower()).first()


def person_with_email(email: str) -> User | None:
    """The user with this primary, or confirmed further, e-mail address."""
    own = User.objects.alias(key=Lower("email")).filter(key=email.lower()).first()
    if own is not None:
        return own
    address = (
        EmailAddress.objects.filter(email=email.lower(), verified=True)
        .select_related("user")
        .first()
    )
    return cast(User, address.user) if address else None


def access_user(user_id: UUID) -> User:
    """The active user, locked until the end of the transaction. Raises `InvalidCredentials`."""
    user = User.objects.select_for_update(of=("self",)).filter(id=user_id, is_active=True).first()
    if user is None:
        raise InvalidCredentials
    return user


def access_person(viewer_id: UUID, user_id: UUID) -> User:
    """The profile of a user; deleted users stay visible without personal data.

    Raises `PersonNotFound`.
    """
    person = User.objects.filter(id=user_id).first()
    if person is None:
        raise PersonNotFound
    return person


def people_active(user_ids: Iterable[UUID]) -> set[UUID]:
    """The ids of active users among these, in one query."""
    rows = User.objects.filter(pk__in=list(user_ids), is_active=True)
    return set(rows.values_list("id", flat=True))


def people_search(*, viewer_id: UUID, search: str) -> QuerySet[User]:
    """Active users whose username or display name begins with `search`, ordered by username.

    A complete e-mail address finds the user who allows it.
    """
    text = search.removeprefix("@").lower()
    people = User.objects.filter(is_active=True).alias(
        username_key=Lower("username"), name_key=Lower("display_name"), email_key=Lower("email")
    )
    matches = Q(username_key__startswith=text) | Q(name_key__startswith=text)
    if "@" in text:
        matches |= Q(email_key=text, found_by_email=True)
    return people.filter(matches).order_by(F("username_key"))


def people_search_by_staff(people: QuerySet[User], search: str) -> QuerySet[User]:
    """Those of `people` whose name begins with `search`, or whose e-mail address or id it is."""
    text = search.strip().lower()
    if not text:
        return people
    if (user_id := uuid_or_none(text)) is not None:
        return people.filter(id=user_id)
    if "@" in text:
        return people.alias(email_key=Lower("email")).filter(email_key=text)
    people = people.alias(username_key=Lower("username"), name_key=Lower("display_name"))
    return people.filter(Q(username_key__startswith=text) | Q(name_key__startswith=text))
