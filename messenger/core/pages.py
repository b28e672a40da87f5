"""Pages of the site itself: error pages, the theme switch, the scripts' translations; and the
decorators by which views of other apps turn refusals into pages."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import structlog
from django.contrib import messages as notices
from django.contrib.auth.views import redirect_to_login
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from messenger.core import errors

THEMES = ("light", "dark")
YEAR = 365 * 24 * 3600
View = Callable[..., HttpResponse]


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's handler400."""
    return error_page(request, errors.InvalidInput())


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's handler403."""
    return error_page(request, errors.Forbidden())


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's CSRF_FAILURE_VIEW: a form of another site, or one whose token is outdated."""
    return error_page(request, errors.FormOutdated())


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's handler404."""
    return error_page(request, errors.NotFound())


def too_fast(request: HttpRequest) -> HttpResponse:
    """allauth's handler429."""
    return error_page(request, errors.LimitExceeded())


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500: 503 while the database is out of reach, else 500.

    Renders without a session and without the database, either of which may be what failed.
    """
    is_database = isinstance(sys.exc_info()[1], OperationalError | InterfaceError)
    error = errors.Unavailable() if is_database else errors.ServerError()
    return render(
        None,  # no request: no context processor runs
        "errors/500.html",
        {
            "lang": get_language() or "en",
            "title": error.title,
            "action": _("Back to chats"),
            "request_id": _request_id(),
        },
        status=error.status,
    )


def error_page(request: HttpRequest, error: errors.DomainError) -> HttpResponse:
    """A page that shows `error.title`, with the error's status."""
    context: dict[str, Any] = {"error": error, "request_id": _request_id()}
    response = render(request, "errors/error.html", context, status=error.status)
    if error.retry_after is not None:
        response["Retry-After"] = str(error.retry_after)
    return response


def errors_as_pages(view: View) -> View:
    """For views of signed-in people: a `DomainError` becomes its page, or the sign-in page."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except errors.DomainError as error:
            if error.retry is errors.Retry.AFTER_SIGN_IN:
                return redirect_to_login(request.get_full_path())
            return error_page(request, error)

    return guarded


def page_action(back: str) -> Callable[[View], View]:
    """For views that change something: POST only; a refusal becomes a notice on page `back`.

    `back` names a route with the same arguments as the view. A missing or invisible object stays
    a 404 page, an exceeded rate limit a 429 page.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def act(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                return view(request, *args, **kwargs)
            except (errors.NotFound, errors.NotAuthenticated, errors.LimitExceeded):
                raise
            except errors.DomainError as error:
                notices.error(request, str(error.title))
                answer: HttpResponse = redirect(back, **kwargs)
                return answer

        return require_POST(errors_as_pages(act))

    return decorate


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Store light, dark or the system's appearance in a cookie; `js/theme.js` sets the same one."""
    chosen = request.POST.get("theme", "")
    response = HttpResponseRedirect(_next(request))  # `redirect` would look up a route's name
    if chosen in THEMES:
        response.set_cookie("theme", chosen, max_age=YEAR, samesite="Lax")
    else:
        response.delete_cookie("theme", samesite="Lax")
    return response


def _request_id() -> str:
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))


def _next(request: HttpRequest) -> str:
    target = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(target, {request.get_host()}, request.is_secure())
    return target if safe else "/"
