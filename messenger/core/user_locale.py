"""Language and time zone of pages."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone, translation

from messenger.core.problems import wants_problem

COOKIE = "tz"  # the browser's time zone, for users who have not chosen one


class UserLocaleMiddleware:
    """Activate the user's language and time zone; otherwise those of the browser."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if wants_problem(request):
            return self.get_response(request)
        user = request.user
        chosen = ""
        if user.is_authenticated:
            translation.activate(user.locale)
            request.LANGUAGE_CODE = user.locale
            chosen = user.time_zone if user.time_zone != "UTC" else ""
        with timezone.override(_zone(chosen or request.COOKIES.get(COOKIE, ""))):
            return self.get_response(request)


def _zone(name: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # KeyError: well formed but unknown
        return zoneinfo.ZoneInfo("UTC")
