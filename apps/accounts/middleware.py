"""Ties browser sessions to login sessions, so that users can see and revoke them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth import SESSION_KEY, get_user
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.functional import SimpleLazyObject

from apps.accounts.models import LoginSession, User
from apps.accounts.selectors import (
    LOGIN_SESSION_KEY,
    WELL_FORMED_KEY,
    Identity,
    session_in,
)
from apps.accounts.services.sessions import session_open, session_touch, sessions_revoke
from messenger.core.address import client_address


class LoginSessionMiddleware:
    """Sets `request.user` and `request.identity` from the session cookie, lazily.

    One query more than Django's session; none without a cookie. Flushes a revoked session. Opens or
    ends the login session after a sign-in or sign-out during the request.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponseBase:
        if not WELL_FORMED_KEY.fullmatch(request.session.session_key or ""):
            request.session = type(request.session)(None)  # a malformed cookie
        request.identity = None

        async def auser() -> User | AnonymousUser:
            return await sync_to_async(_resolve)(request)

        request.user = SimpleLazyObject(lambda: _resolve(request))
        request.auser = auser
        response = self.get_response(request)
        if request.session.modified:
            _apply_changes(request)
        return response


def _resolve(request: Any) -> User | AnonymousUser:
    """The user of the cookie. Opens a login session for one that Django's login has started."""
    if not hasattr(request, "_cached_user"):
        request.identity = _identity(request)
        if request.identity is None and SESSION_KEY in request.session:
            request.session.flush()
        request._cached_user = request.identity.user if request.identity else AnonymousUser()
    user: User | AnonymousUser = request._cached_user
    return user


def _identity(request: Any) -> Identity | None:
    session = request.session
    if SESSION_KEY not in session:
        return None
    if LOGIN_SESSION_KEY not in session:
        user = get_user(request)
        return _open(request, user) if user.is_authenticated else None
    row = session_in(session)
    if row is None:
        return None
    session_touch(row)
    return Identity(row.user, row.id, row.expires_at)


def _apply_changes(request: Any) -> None:
    """After the view: follow a sign-in, a sign-out or a new session key."""
    before: Identity | None = request.identity
    after = request.session.get(LOGIN_SESSION_KEY)
    if before and after != str(before.session_id):
        sessions_revoke(user_id=before.user.id, session_ids=[before.session_id], reason="logout")
    if SESSION_KEY in request.session and after is None:
        if request.user.is_authenticated:
            request.identity = _open(request, request.user)
    elif after is not None:
        LoginSession.objects.filter(id=after, revoked_at=None).exclude(
            session_key=request.session.session_key
        ).update(session_key=request.session.session_key)


def _open(request: Any, user: Any) -> Identity:
    if not request.session.session_key:
        request.session.create()
    row = session_open(
        user_id=user.pk,
        kind=LoginSession.Kind.BROWSER,
        session_key=request.session.session_key,
        user_agent=request.headers.get("User-Agent", ""),
        ip_address=client_address(request.META),
    )
    request.session[LOGIN_SESSION_KEY] = str(row.id)
    return Identity(user, row.id, row.expires_at)
