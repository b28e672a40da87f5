"""The identity of a socket: a bearer header, a bearer subprotocol, or the session cookie."""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from apps.accounts.selectors import (
    Identity,
    identity_for_access_token,
    identity_for_session_key,
)
from messenger.core.errors import DomainError
from messenger.gateway.threads import in_thread

PROTOCOL = "messenger.v1"
BEARER_PREFIX = "bearer."


class OriginRefused(Exception):
    """A session cookie with a foreign `Origin`: the handshake is refused with HTTP 403."""


async def identify(scope: dict[str, Any]) -> Identity | None:
    """The identity in the handshake, or None if it is missing or invalid. Raises `OriginRefused`.

    The first credential that is present counts, even if it is invalid.
    """
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    token = _bearer(headers.get("authorization", ""), scope.get("subprotocols", []))
    try:
        if token is not None:
            return await in_thread(identity_for_access_token, token)
        session_key = _session_key(headers.get("cookie", ""))
        if session_key is None:
            return None
        if not _is_own_origin(headers):
            raise OriginRefused
        return await in_thread(identity_for_session_key, session_key)
    except DomainError:
        return None


def _bearer(header: str, subprotocols: list[str]) -> str | None:
    scheme, _, token = header.partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    offered = (one for one in subprotocols if one.startswith(BEARER_PREFIX))
    first = next(offered, None)
    return first.removeprefix(BEARER_PREFIX) if first else None


def _session_key(header: str) -> str | None:
    try:
        cookies = SimpleCookie(header)
    except CookieError:
        return None
    morsel = cookies.get(settings.SESSION_COOKIE_NAME)
    return morsel.value if morsel else None


def _is_own_origin(headers: dict[str, str]) -> bool:
    """Whether the page that opened the socket is ours; browsers always send `Origin` (RFC 6455)."""
    origin = headers.get("origin", "")
    trusted = origin in settings.CSRF_TRUSTED_ORIGINS
    return trusted or (bool(origin) and urlsplit(origin).netloc == headers.get("host"))
