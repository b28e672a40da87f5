"""Pages of the site itself: errors as pages, the service worker, and the switches that need no
account."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from messenger.core import errors

THEMES = ("light", "dark")
YEAR = 365 * 24 * 3600


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400 as a page."""
    return _page(request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403 as a page."""
    return _page(request, 403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404 as a page."""
    return _page(request, 404)


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that was not ours, or is too old."""
    return _page(request, 403)


def too_fast(request: HttpRequest) -> HttpResponse:
    """429 as a page."""
    return _page(request, 429)


def server_error(request: HttpRequest) -> HttpResponse:
    """500 without anything that could fail again: no session, no database.

    503 where the database is out of reach: the same request may succeed in a moment.
    """
    is_database = isinstance(sys.exc_info()[1], OperationalError | InterfaceError)
    return render(
        None,  # no request: no context processor runs
        "errors/500.html",
        {
            "lang": get_language() or "en",
            "title": _("Something broke on our side"),
            "lead": _("It has been noted. Try again in a moment."),
            "action": _("To my chats"),
            "request_id": _request_id(),
        },
        status=503 if is_database else 500,
    )


@require_safe
def service_worker(request: HttpRequest) -> HttpResponse:
    """The script that shows pushes, at the site's root: only there it may care for every page."""
    script = Path(settings.BASE_DIR, "static", "js", "sw.js").read_text(encoding="utf-8")
    response = HttpResponse(script, content_type="text/javascript; charset=utf-8")
    response["Cache-Control"] = "no-cache"
    response["Service-Worker-Allowed"] = "/"
    return response


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Remember light, dark or the system's choice; also what scripts tell instead of this form."""
    chosen = request.POST.get("theme", "")
    response = redirect(_next(request))
    if chosen in THEMES:
        response.set_cookie("theme", chosen, max_age=YEAR, samesite="Lax")
    else:
        response.delete_cookie("theme", samesite="Lax")
    return response


def _page(request: HttpRequest, status: int) -> HttpResponse:
    context: dict[str, Any] = {"request_id": _request_id()}
    return render(request, f"errors/{status}.html", context, status=status)


def _request_id() -> str:
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))


def _next(request: HttpRequest) -> str:
    target = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(target, {request.get_host()}, request.is_secure())
    return target if safe else "/"


View = Callable[..., HttpResponse]


def speaks_in_pages(view: View) -> View:
    """For views behind the session: what a service refuses becomes the page that says so."""

    @wraps(view)
    def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except errors.NotFound as error:
            raise Http404 from error
        except errors.Forbidden as error:
            raise PermissionDenied from error
        except errors.LimitExceeded as error:
            response = too_fast(request)
            response["Retry-After"] = str(error.retry_after)
            return response
        except errors.DomainError:
            return _page(request, 400)

    return door
