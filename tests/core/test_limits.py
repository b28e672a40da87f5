"""Rate limits as entry points declare them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings as site
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import reverse

from apps.chats.models import Chat
from apps.chats.services.direct import chat_open_direct
from apps.chats.services.groups import group_create
from messenger.core import limits
from messenger.core.errors import LimitExceeded
from messenger.core.limits import LOGIN_ACCOUNT, MESSAGES, REGISTER, limited
from messenger.core.throttles import Key, Limit
from messenger.gateway.commands import COMMANDS
from tests.routes import all_routes, methods_of, view_class

ROOT = Path(__file__).resolve().parents[2]
ROUTES = all_routes()
CONSTANTS = {name: one for name, one in vars(limits).items() if isinstance(one, Limit)}

# REST, beside the `api` limit of every signed-in user. In brackets: for some requests only.
REST = {
    ("api:auth-register", "POST"): "register",
    ("api:auth-login", "POST"): "login_address [login_account]",
    ("api:auth-refresh", "POST"): "refresh",
    ("api:auth-password-change", "POST"): "login_account",
    ("api:auth-password-reset", "POST"): "mail_address",
    ("api:auth-password-reset-confirm", "POST"): "login_address",
    ("api:auth-email-confirm", "POST"): "login_address",
    ("api:me", "DELETE"): "login_account",
    ("api:people", "GET"): "search",
    ("api:chats", "POST"): "[chats]",
    ("api:messages", "POST"): "messages [chats]",
    ("api:message", "PATCH"): "messages",
}
# Pages, for POST or for a search; those of allauth take theirs in the adapter and in forms.
PAGES = {
    "chat-details": "search",
    "chat-new": "search",
    "group-create": "chats",
    "group-search": "search",
    "message-edit": "messages",
    "message-send": "messages",
}
SOCKET = {"message": "messages", "edit_message": "messages", "typing": "typing"}

# Limits of requests that are known only while they are handled.
BY_HAND = {
    ("apps/accounts/adapter.py", "LOGIN_ADDRESS"),  # allauth's pages have no view of ours
    ("apps/accounts/adapter.py", "REGISTER"),
    ("apps/accounts/adapter.py", "MAIL"),  # the recipient
    ("apps/accounts/forms.py", "LOGIN_ADDRESS"),
    ("apps/accounts/forms.py", "OWN_ACCOUNT"),
    ("apps/accounts/services/login.py", "LOGIN_ACCOUNT"),  # the account that the sign-in names
    ("apps/chats/services/direct.py", "new_chat_limit"),  # only if the chat is new
    ("apps/messages/views/inbox.py", "NEW_CHATS"),  # only for a group
}


def declared() -> Iterator[tuple[str, str, Limit | None, tuple[Limit, ...]]]:
    """Route, method, limit and outcome limits of everything declared with `describe`."""
    for name, pattern in ROUTES.items():
        for method in methods_of(pattern):
            function = getattr(view_class(pattern), method.lower())
            if hasattr(function, "outcome_limits"):
                yield name, method, function.limit, function.outcome_limits


def test_rest_routes_declare_these_limits():
    found = {
        (route, method): " ".join(
            [*([limit.name] if limit else []), *(f"[{one.name}]" for one in outcome)]
        )
        for route, method, limit, outcome in declared()
        if limit or outcome
    }
    assert found == REST


@pytest.mark.parametrize(
    ("route", "method", "limit"),
    [(route, method, limit) for route, method, limit, _ in declared() if limit],
)
def test_declared_limit_is_enforced_before_the_method_runs(
    api, alice, settings, route, method, limit
):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, limit.name: (0, 0.001)}
    client = api() if limit.key is Key.ADDRESS else api(alice)
    path = reverse(route, kwargs={key: uuid4() for key in ROUTES[route].pattern.converters})
    answer = client.generic(method, path, "{}", content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert int(answer["Retry-After"]) >= 1


def test_the_general_limit_applies_to_every_signed_in_user(api, alice, settings):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "api": (0, 0.001)}
    assert api(alice).get("/users/me").status_code == 429


def test_every_limit_of_the_settings_is_a_constant_and_the_other_way_round():
    assert {one.name for one in CONSTANTS.values()} == set(site.RATE_LIMITS)


def test_limits_are_documented(client, db):
    document = client.get("/api/schema", headers={"Accept": "application/json"}).json()
    answer = document["paths"]["/api/v1/messages"]["post"]["responses"]["429"]
    assert "messages: 20 at once, then 5 per second and user." in answer["description"]
    assert "chats: 60 at once, then 1 per minute and user." in answer["description"]


def test_pages_declare_these_limits():
    found = {
        name: " ".join(limit.name for limit in pattern.callback.limits)
        for name, pattern in ROUTES.items()
        if hasattr(pattern.callback, "limits")
    }
    assert found == PAGES


def test_opening_a_chat_by_page_takes_the_limit_of_new_chats(client, alice, bob, settings):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "chats": (0, 0.001)}
    client.force_login(alice)
    assert client.post("/chats/new/open/", {"user_id": bob.id}).status_code == 429
    assert not Chat.objects.exists()


def test_a_refused_group_form_takes_no_token_and_searches_nobody(client, alice, bob, settings):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "chats": (1, 0.001), "search": (0, 0.001)}
    client.force_login(alice)
    for _ in range(2):
        assert client.post("/chats/new-group/create/", {"title": ""}).status_code == 400
    group = group_create(actor_id=alice.id, title="Walkers")
    answer = client.post(f"/chats/{group.id}/update/?q=bob_m", {"title": ""})
    assert answer.status_code == 400
    assert answer.context["found"] == []


def test_a_message_sent_too_fast_by_page_says_when_to_retry(client, alice, bob, settings):
    chat = chat_open_direct(actor_id=alice.id, user_id=bob.id)[0]
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "messages": (0, 0.001)}
    client.force_login(alice)
    answer = client.post(f"/chats/{chat.id}/send/", {"text": "x"})
    assert (answer.status_code, int(answer["Retry-After"]) >= 1) == (429, True)


def test_socket_commands_declare_these_limits():
    found = {name: one.mode.limit.name for name, one in COMMANDS.items() if one.mode.limit}
    assert found == SOCKET


def test_limits_are_taken_by_hand_only_where_the_request_does_not_tell():
    calls: set[tuple[str, str]] = set()
    for path in (ROOT / "apps").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in {"take", "enforce"}:
                calls.add((str(path.relative_to(ROOT)), ast.unparse(node.value)))
    assert calls == BY_HAND


def test_every_limit_is_used_and_none_is_made_elsewhere():
    used: set[str] = set()
    for path in [*(ROOT / "apps").rglob("*.py"), *(ROOT / "messenger").rglob("*.py")]:
        if path.name in {"limits.py", "throttles.py"}:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module == "messenger.core.limits":
                used |= {alias.name for alias in node.names}
            if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "limits":
                used.add(node.attr)
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Limit":
                pytest.fail(f"{path} makes a limit of its own")
    assert CONSTANTS.keys() - used == set()


@pytest.fixture
def two_at_once(settings):
    names = ("messages", "register")
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, **dict.fromkeys(names, (2, 0.001))}


@pytest.fixture
def request_of(alice):
    def make(method: str = "POST", address: str = "192.0.2.1", path: str = "/"):
        request = RequestFactory().generic(method, path, REMOTE_ADDR=address)
        request.user = alice
        return request

    return make


def statuses_of(view, request, times: int) -> list[int]:
    return [view(request).status_code for _ in range(times)]


def refuse(request, error: LimitExceeded) -> HttpResponse:
    return HttpResponse(f"wait {error.retry_after}", status=429)


def test_limit_counts_per_user(two_at_once, request_of):
    view = limited(MESSAGES, on_exceeded=refuse)(lambda request: HttpResponse())
    assert statuses_of(view, request_of(), 3) == [200, 200, 429]


def test_limit_counts_per_address(two_at_once, request_of):
    view = limited(REGISTER, on_exceeded=refuse)(lambda request: HttpResponse())
    assert statuses_of(view, request_of(), 3) == [200, 200, 429]
    assert view(request_of(address="192.0.2.2")).status_code == 200


def test_limit_applies_to_the_declared_methods_and_condition_only(two_at_once, request_of):
    view = limited(
        MESSAGES,
        methods=("GET",),
        when=lambda request: "q" in request.GET,
        on_exceeded=refuse,
    )(lambda request: HttpResponse())
    assert statuses_of(view, request_of("POST", path="/?q=a"), 3) == [200, 200, 200]
    assert statuses_of(view, request_of("GET"), 3) == [200, 200, 200]
    assert statuses_of(view, request_of("HEAD", path="/?q=a"), 3) == [200, 200, 429]


def test_exceeded_limit_raises_without_a_handler(two_at_once, request_of):
    view = limited(MESSAGES)(lambda request: HttpResponse())
    statuses_of(view, request_of(), 2)
    with pytest.raises(LimitExceeded) as caught:
        view(request_of())
    assert caught.value.retry_after >= 1


def test_limit_that_a_request_cannot_tell_is_not_enforced_by_mistake(request_of):
    with pytest.raises(ValueError, match="account"):
        LOGIN_ACCOUNT.enforce(request_of())
