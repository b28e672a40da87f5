"""Every route of the URLconf, for tests that hold for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def all_routes() -> dict[str, URLPattern]:
    """Name with namespaces (`api:chats`) → pattern."""
    return dict(_routes(get_resolver().url_patterns))


def view_class(pattern: URLPattern) -> Any:
    """The class behind a route, or None for a function."""
    return getattr(pattern.callback, "cls", None) or getattr(pattern.callback, "view_class", None)


def methods_of(pattern: URLPattern) -> set[str]:
    """The HTTP methods that the route's class implements; empty for a function."""
    view = view_class(pattern)
    return {method for method in METHODS if view and hasattr(view, method.lower())}


def _routes(
    patterns: Sequence[Any], namespaces: tuple[str, ...] = ()
) -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            deeper = (*namespaces, pattern.namespace) if pattern.namespace else namespaces
            yield from _routes(pattern.url_patterns, deeper)
        else:
            yield ":".join((*namespaces, pattern.name or "?")), pattern
