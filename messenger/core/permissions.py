"""Default deny: a route answers only if the permission table has an entry for it and its method.

The table (`messenger.permission_table.ROUTES`) says who may call a route at all; the `access_*`
selectors decide which objects they may see. Tests walk the URLconf and fail for any route without
an entry. A socket command declares who may send it (`core.socket.Command`).
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.utils.module_loading import import_string
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from messenger.core import errors


class Who(enum.Enum):
    """Who may use a route at all."""

    ANYONE = "anyone"
    USER = "signed-in user"
    STAFF = "staff"


Table = dict[str, dict[str, Who]]


@cache
def permission_table() -> Table:
    """The table named by `settings.PERMISSION_TABLE`."""
    table: Table = import_string(settings.PERMISSION_TABLE)
    return table


def methods_of(view_name: str) -> dict[str, Who]:
    """The methods of a route and who may call it with each; `ns:*` covers a namespace."""
    methods = permission_table().get(view_name)
    if methods is None and ":" in view_name:
        methods = permission_table().get(view_name.split(":", 1)[0] + ":*")
    return methods or {}


def rule_for(view_name: str, method: str) -> Who | None:
    """Who may call this route with this method; None denies."""
    methods = methods_of(view_name)
    return methods.get("GET" if method == "HEAD" else method) or methods.get("*")


class TablePermission(BasePermission):
    """Permission class of REST views: checks the table. Selectors check objects."""

    def has_permission(self, request: Request, view: Any) -> bool:
        match = request.resolver_match
        rule = rule_for(match.view_name if match else "", request.method or "")
        if rule is Who.ANYONE or request.method == "OPTIONS":
            return True
        if rule is None:  # a method that the view lacks is answered with 405
            return not hasattr(view, (request.method or "").lower())
        if not request.user.is_authenticated:
            raise errors.NotAuthenticated
        return rule is Who.USER or bool(request.user.is_staff)


class AccessMiddleware:
    """Check the table for pages; anonymous visitors are redirected to the sign-in page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        if hasattr(
            view, "cls"
        ):  # `TablePermission` checks DRF views, which authenticate themselves
            return None
        match = request.resolver_match
        route = match.view_name if match else ""
        rule = rule_for(route, request.method or "")
        if rule is None:
            if methods := methods_of(route):
                return HttpResponseNotAllowed(methods)
            raise Http404
        if rule is Who.ANYONE:
            return None
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if rule is Who.STAFF and not request.user.is_staff:
            raise Http404
        return None
