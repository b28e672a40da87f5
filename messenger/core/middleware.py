"""Middleware for every HTTP request: id, duration, log line, metrics, and problem details."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import structlog
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from messenger.core import metrics, problems
from messenger.core.errors import DomainError
from messenger.core.ids import new_id

log = structlog.get_logger("messenger.request")
WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{8,128}")
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
GetResponse = Callable[[HttpRequest], HttpResponseBase]


class RequestIdMiddleware:
    """Add `X-Request-ID` (the client's if well formed) and `X-Response-Time`; log the request."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        given = request.headers.get("X-Request-ID", "")
        request_id = given if WELL_FORMED.fullmatch(given) else str(new_id())
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        response = self.get_response(request)
        duration = (time.perf_counter() - started) * 1000
        response["X-Request-ID"] = request_id
        # Browsers that several people use must not cache personal pages.
        response.headers.setdefault("Cache-Control", "private, no-store")
        response["X-Response-Time"] = f"{duration:.1f}ms"
        match = request.resolver_match
        route = match.view_name if match else "unrouted"
        # Clients may invent methods, each of which would be a new time series.
        method = request.method if request.method in METHODS else "other"
        metrics.requests.labels(route, method, response.status_code).inc()
        metrics.request_seconds.labels(route, method).observe(duration / 1000)
        log.info(
            "request",
            action=f"{request.method} {route}",
            status=response.status_code,
            duration_ms=round(duration, 1),
            user_id=_user_id(request),
        )
        return response


class CharsetMiddleware:
    """Refuse bodies that declare another charset than UTF-8, with 400.

    Django decodes forms by the charset that the client names: some let lone surrogates through,
    others fail. Runs before the CSRF check, which is the first to read a form.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: object, args: object, kwargs: object
    ) -> None:
        charset = (request.content_params or {}).get("charset", "utf-8")
        if charset.lower() not in ("utf-8", "utf8"):
            raise BadRequest("only UTF-8 is accepted")


class TrailingSlashMiddleware:
    """Make the trailing slash optional on API paths."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if problems.wants_problem(request) and request.path_info.endswith("/"):
            request.path_info = request.path = request.path_info.rstrip("/")
        return self.get_response(request)


class ProblemMiddleware:
    """Turn errors on API paths into problem details, including 404, 405, 500 and CSRF failures."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        is_bare = (
            response.status_code >= 400
            and isinstance(response, HttpResponse)
            and not response.get("Content-Type", "").startswith(problems.CONTENT_TYPE)
        )
        if is_bare and problems.wants_problem(request) and not _is_health(request):
            return problems.problem_response(problems.from_status(response.status_code))
        return response

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        if isinstance(exception, DomainError) and problems.wants_problem(request):
            return problems.problem_response(exception)
        return None


def _is_health(request: HttpRequest) -> bool:
    return request.path.startswith("/health")


def _user_id(request: HttpRequest) -> str | None:
    # Does not load the user only for the log.
    cached = getattr(request, "_cached_user", None) or getattr(request, "api_user", None)
    return str(cached.pk) if cached is not None and cached.pk else None
