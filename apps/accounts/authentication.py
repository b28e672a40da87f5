"""REST authentication: a bearer token, or the session cookie with a CSRF token."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.request import Request

from apps.accounts.errors import InvalidToken
from apps.accounts.models import User
from apps.accounts.selectors import Identity, identity_for_access_token


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <access>`; `request.auth` becomes the `Identity`."""

    def authenticate(self, request: Request) -> tuple[User, Identity] | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        if not token.strip():
            raise InvalidToken
        return _authenticated(request, identity_for_access_token(token.strip()))

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class CookieAuthentication(SessionAuthentication):
    """The browser's session, which the middleware has verified. Enforces CSRF protection."""

    def authenticate(self, request: Request) -> tuple[User, Identity] | None:
        django_request: Any = request._request
        if not django_request.user.is_authenticated:
            return None
        self.enforce_csrf(request)
        return _authenticated(request, django_request.identity)


def _authenticated(request: Request, identity: Identity) -> tuple[User, Identity]:
    request._request.api_user = identity.user  # type: ignore[attr-defined]  # for the request log
    return identity.user, identity


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[misc,no-untyped-call]
    """The bearer token in the API document."""

    target_class = BearerAuthentication
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class CookieScheme(OpenApiAuthenticationExtension):  # type: ignore[misc,no-untyped-call]
    """The session cookie in the API document."""

    target_class = CookieAuthentication
    name = "cookie"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": "For pages of the site; changes need the header `X-CSRFToken` as well.",
        }
