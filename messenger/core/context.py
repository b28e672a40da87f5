"""Template variables of every page."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, Any]:
    """The product's name."""
    return {"SITE_NAME": settings.SITE_NAME}
