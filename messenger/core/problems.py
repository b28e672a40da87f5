"""RFC 9457 problems: the one place where an error becomes a body."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import translation
from rest_framework import exceptions as drf
from rest_framework.response import Response

from messenger.core import errors
from messenger.core.json import dumps_bytes

CONTENT_TYPE = "application/problem+json"

BY_STATUS: dict[int, type[errors.DomainError]] = {
    error.status: error
    for error in (
        errors.InvalidInput,
        errors.NotAuthenticated,
        errors.Forbidden,
        errors.NotFound,
        errors.MethodNotAllowed,
        errors.NotAcceptable,
        errors.Conflict,
        errors.TooLarge,
        errors.UnsupportedMediaType,
        errors.LimitExceeded,
        errors.ServerError,
        errors.Unavailable,
    )
}


def problem(error: errors.DomainError, request_id: str = "") -> dict[str, Any]:
    """The body of an error in the active language, the same for REST and the socket.

    `request_id` defaults to the HTTP request's own; a socket passes its connection's id.
    """
    body: dict[str, Any] = {
        "type": f"urn:lumin:problem:{error.code}",
        "title": str(error.title),
        "status": error.status,
        "detail": str(error.detail),
        "code": error.code,
        "retry": str(error.retry),
        "request_id": request_id or structlog.contextvars.get_contextvars().get("request_id", ""),
    }
    if error.errors:
        body["errors"] = error.errors
    if error.retry_after is not None:
        body["retry_after"] = error.retry_after
    return body


def from_status(status: int, detail: str = "") -> errors.DomainError:
    """A domain error for a bare HTTP status, e.g. of Django's or DRF's own errors."""
    kind = BY_STATUS.get(status)
    if kind is None:
        kind = (
            errors.ServerError if status >= HTTPStatus.INTERNAL_SERVER_ERROR else errors.DomainError
        )
    error = kind(detail)
    error.status = status
    return error


def problem_response(error: errors.DomainError) -> HttpResponse:
    """A plain Django response, for errors outside DRF's views."""
    response = HttpResponse(
        dumps_bytes(problem(error)), status=error.status, content_type=CONTENT_TYPE
    )
    if error.retry_after is not None:
        response["Retry-After"] = str(error.retry_after)
    return response


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's hook: domain errors, DRF's and Django's, all as problems. Any other stays a 500."""
    error = _as_domain_error(exc)
    if error is None:
        return None
    with translation.override(_language(context["request"])):
        body = problem(error)
    response = Response(body, status=error.status, content_type=CONTENT_TYPE)
    if error.retry_after is not None:
        response["Retry-After"] = str(error.retry_after)
    if error.status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = 'Bearer realm="api"'
    return response


def _language(request: Any) -> str:
    """The signed-in person's language, else what LocaleMiddleware took from Accept-Language."""
    user = getattr(request, "api_user", None)  # request.user would authenticate, and may raise
    return user.locale if user is not None else translation.get_language() or "en"


def _as_domain_error(exc: Exception) -> errors.DomainError | None:
    if isinstance(exc, errors.DomainError):
        return exc
    if isinstance(exc, Http404):
        return errors.NotFound()
    if isinstance(exc, PermissionDenied | drf.PermissionDenied):
        return errors.Forbidden()
    if isinstance(exc, drf.NotAuthenticated | drf.AuthenticationFailed):
        return errors.NotAuthenticated()
    if isinstance(exc, drf.APIException):
        return from_status(exc.status_code, str(exc.detail))
    return None


def wants_problem(request: HttpRequest) -> bool:
    """Whether the path is for programs (the API, health, metrics) rather than for browsers."""
    return request.path.startswith(("/api/", "/health", "/metrics"))
