"""Default deny: every route has an entry in the permission table; others are refused."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.http import Http404
from django.test import Client, RequestFactory
from django.urls import reverse

from messenger.core.permissions import AccessMiddleware, Who, rule_for
from messenger.permission_table import ROUTES
from tests.routes import all_routes, methods_of

ALL = all_routes()


def test_every_route_has_an_entry_in_the_permission_table():
    missing = [
        name
        for name in ALL
        if name not in ROUTES and not (":" in name and f"{name.split(':')[0]}:*" in ROUTES)
    ]
    assert missing == []


def test_every_method_of_every_api_view_has_an_entry():
    missing = [
        (name, method)
        for name, pattern in ALL.items()
        if name.startswith("api:")
        for method in methods_of(pattern)
        if rule_for(name, method) is None
    ]
    assert missing == []


def test_table_has_no_entry_without_a_route():
    namespaces = {name.split(":")[0] for name in ALL if ":" in name}
    stale = [
        name
        for name in ROUTES
        if name not in ALL and not (name.endswith(":*") and name[:-2] in namespaces)
    ]
    assert stale == []


@pytest.mark.parametrize(
    "name", sorted(name for name in ALL if name.startswith("api:") and name in ROUTES)
)
@pytest.mark.django_db
def test_anonymous_callers_get_a_401_wherever_a_user_is_required(name):
    converters = ALL[name].pattern.converters
    path = reverse(name, kwargs={key: uuid4() for key in converters})
    for method, who in ROUTES[name].items():
        if who is Who.ANYONE:
            continue
        answer = Client().generic(method, path, b"{}", content_type="application/json")
        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
        assert answer["WWW-Authenticate"].startswith("Bearer")


def test_route_without_an_entry_is_refused(settings):
    request = RequestFactory().get("/nowhere")
    request.resolver_match = type("Match", (), {"view_name": "nowhere"})()
    with pytest.raises(Http404):
        AccessMiddleware(lambda request: None).process_view(request, lambda: None, (), {})
