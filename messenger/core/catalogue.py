"""The scripts' translations: Django's JavaScript catalogue, cached by browsers."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import get_language, override
from django.views.decorators.http import require_safe
from django.views.i18n import JavaScriptCatalog

YEAR = 365 * 24 * 3600


def catalogue_address() -> str:
    """The address of the catalogue in the active language; a new text changes the address."""
    language = get_language() or settings.LANGUAGE_CODE
    return reverse("jsi18n", args=[language, _catalogue(language)[1]])


@require_safe
def catalogue(request: HttpRequest, language: str, version: str) -> HttpResponse:
    """The script that defines `gettext`, `ngettext` and `interpolate` for one language."""
    if language not in dict(settings.LANGUAGES):
        raise Http404
    script, current = _catalogue(language)
    response = HttpResponse(script, content_type="text/javascript; charset=utf-8")
    # Another process may serve an older release under this address: that is not to be kept.
    is_current = version == current
    response["Cache-Control"] = f"public, max-age={YEAR}, immutable" if is_current else "no-cache"
    return response


@cache
def _catalogue(language: str) -> tuple[str, str]:
    """The script and its version. Translations are compiled before a process starts."""
    # One package without translations of its own: only LOCALE_PATHS count, not the admin's.
    view: Any = JavaScriptCatalog.as_view(packages=["messenger.core"])
    request = HttpRequest()
    request.method = "GET"
    with override(language):
        script: str = view(request).content.decode()
    return script, hashlib.sha256(script.encode()).hexdigest()[:12]
