"""RFC 9457 problems: the one place where an error becomes a body."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions as drf
from rest_framework.response import Response

from messenger.core import errors
from messenger.core.json import dumps_bytes

CONTENT_TYPE = "application/problem+json"

DRF_CODES = {
    400: "invalid_input",
    401: "not_authenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    413: "too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
    503: "unavailable",
}


def problem(error: errors.DomainError, request_id: str = "") -> dict[str, Any]:
    """The body of an error, the same for REST and the socket (whose connection is its request)."""
    body: dict[str, Any] = {
        "type": f"urn:lumin:problem:{error.code}",
        "title": str(error.title),
        "status": error.status,
        "detail": str(error.detail),
        "code": error.code,
        "request_id": request_id or structlog.contextvars.get_contextvars().get("request_id", ""),
    }
    if error.errors:
        body["errors"] = error.errors
    if error.retry_after is not None:
        body["retry_after"] = error.retry_after
    return body


def from_status(status: int, detail: str = "", code: str = "") -> errors.DomainError:
    """A domain error for a bare HTTP status."""
    phrase = HTTPStatus(status).phrase
    error = errors.DomainError(detail or phrase)
    error.status = status
    error.title = phrase
    error.code = code or DRF_CODES.get(status, "server_error" if status >= 500 else "invalid")
    return error


def problem_response(error: errors.DomainError) -> HttpResponse:
    """A plain Django response, for errors outside of DRF's views."""
    response = HttpResponse(
        dumps_bytes(problem(error)), status=error.status, content_type=CONTENT_TYPE
    )
    if error.retry_after is not None:
        response["Retry-After"] = str(error.retry_after)
    return response


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's hook: our errors, DRF's and Django's, all in the one shape. Others stay a 500."""
    error = _as_domain_error(exc)
    if error is None:
        return None
    response = Response(problem(error), status=error.status, content_type=CONTENT_TYPE)
    if error.retry_after is not None:
        response["Retry-After"] = str(error.retry_after)
    if error.status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = 'Bearer realm="api"'
    return response


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
    """Whether the asker is a program (the API, health) rather than a person with a browser."""
    return request.path.startswith(("/api/", "/health", "/metrics"))
