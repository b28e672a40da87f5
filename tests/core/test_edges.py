"""Behaviour of all HTTP routes: ids, limits, problem details, logs."""

from __future__ import annotations

import json
import logging

import pytest
from django.conf import settings
from django.db import OperationalError
from django.test import Client

from messenger.core import redis as core_redis
from messenger.core import throttles
from messenger.core.errors import LimitExceeded
from messenger.core.limits import MESSAGES

PROBLEM = {"type", "title", "status", "detail", "code", "request_id"}


def assert_problem(answer, status: int, code: str) -> None:
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert set(body) >= PROBLEM
    assert (body["status"], body["code"]) == (status, code)
    assert body["request_id"] == answer["X-Request-ID"]


@pytest.mark.django_db
def test_errors_have_one_shape_everywhere(alice, api):
    client = api(alice)
    assert_problem(client.get("/nothing-here"), 404, "not_found")
    assert_problem(client.get("/chats/not-a-uuid"), 400, "invalid_input")
    assert_problem(client.put("/chats", {}), 405, "method_not_allowed")
    assert_problem(api().get("/chats"), 401, "not_authenticated")
    assert_problem(
        client.generic("POST", "/chats", b"a=1", content_type="text/csv"),
        415,
        "unsupported_media_type",
    )
    assert_problem(
        client.generic("POST", "/chats", b"{", content_type="application/json"),
        400,
        "invalid_input",
    )


def test_body_over_the_limit_is_refused(api):
    huge = b'{"login":"' + b"a" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE + b'","password":"x"}'
    answer = api().generic("POST", "/auth/login", huge, content_type="application/json")
    assert_problem(answer, 413, "too_large")


@pytest.mark.django_db
def test_server_error_is_a_problem_without_details(alice, api, monkeypatch):
    from apps.messages import selectors

    def crash(user_id):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(selectors, "chats_for", crash)
    client = api(alice)
    client.raise_request_exception = False
    answer = client.get("/chats")
    assert_problem(answer, 500, "server_error")
    assert b"secret" not in answer.content


@pytest.mark.django_db
def test_unavailable_database_is_a_503_for_api_and_pages(alice, api, monkeypatch):
    from apps.messages import selectors

    def fail(user_id):
        raise OperationalError("secret detail")

    monkeypatch.setattr(selectors, "chats_for", fail)
    client = api(alice)
    client.raise_request_exception = False
    answer = client.get("/chats")
    assert_problem(answer, 503, "unavailable")
    assert b"secret" not in answer.content
    browser = Client(raise_request_exception=False)
    browser.force_login(alice)
    page = browser.get("/")
    assert page.status_code == 503
    assert b"The server is busy" in page.content


@pytest.mark.django_db
def test_trailing_slash_is_optional(alice, api):
    for path in ("/chats", "/chats/", "/users/me", "/users/me/"):
        assert api(alice).get(path).status_code == 200
    assert Client().get("/health/").status_code == 200


def test_well_formed_request_id_is_returned(client):
    given = client.get("/health", headers={"X-Request-ID": "abc-12345"})
    assert given["X-Request-ID"] == "abc-12345"
    for bad in ("short", "x" * 200, "with space 123", "new\tline-123"):
        assert client.get("/health", headers={"X-Request-ID": bad})["X-Request-ID"] != bad
    assert given["X-Response-Time"].endswith("ms")


def test_health_names_service_and_version(client):
    body = client.get("/health").json()
    assert (body["status"], body["service"]) == ("healthy", "messenger")
    assert body["version"]


@pytest.fixture
def no_redis(settings, monkeypatch):
    """A Redis address without a server."""
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    core_redis.client.cache_clear()
    throttles._script.cache_clear()
    yield
    core_redis.client.cache_clear()
    throttles._script.cache_clear()
    core_redis.breaker.succeeded()


@pytest.mark.django_db
def test_without_redis_requests_work_and_readiness_is_degraded(no_redis, client, alice, api):
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert api(alice).get("/chats").status_code == 200


def test_without_redis_limits_apply_per_process(no_redis):
    burst, _ = settings.RATE_LIMITS["messages"]
    for _ in range(burst):
        MESSAGES.take("a key")
    with pytest.raises(LimitExceeded) as refused:
        MESSAGES.take("a key")
    assert refused.value.retry_after >= 1
    MESSAGES.take("another key")


def test_bucket_grants_its_tokens_and_returns_the_wait():
    burst, rate = settings.RATE_LIMITS["messages"]
    assert MESSAGES.take_many({"a": burst - 1, "b": 1}) == {
        "a": (burst - 1, 0),
        "b": (1, 0),
    }
    got, wait = MESSAGES.take_many({"a": 5})["a"]
    assert got in (1, 2)
    assert 1 <= wait <= 1 + 1 / rate


@pytest.mark.django_db
def test_request_is_logged_as_one_json_line_without_texts(alice, api, chat_with_bob):
    lines: list[str] = []
    handler = logging.Handler()
    root = logging.getLogger()
    formatter = next(
        h.formatter for h in root.handlers if "Processor" in type(h.formatter).__name__
    )
    handler.emit = lambda record: lines.append(formatter.format(record))
    root.addHandler(handler)
    try:
        answer = api(alice).post(
            "/messages", {"chat_id": str(chat_with_bob.id), "text": "do not log me"}
        )
    finally:
        root.removeHandler(handler)
    entry = next(json.loads(line) for line in lines if "api:messages" in line)
    assert entry["request_id"] == answer["X-Request-ID"]
    assert entry["user_id"] == str(alice.id)
    assert entry["action"] == "POST api:messages"
    assert {"timestamp", "level", "logger", "message", "service", "version", "duration_ms"} <= set(
        entry
    )
    assert not any("do not log me" in line or alice.email in line for line in lines)


@pytest.fixture
def chat_with_bob(alice, bob):
    """The direct chat of alice and bob."""
    from apps.chats.services.direct import chat_open_direct

    return chat_open_direct(actor_id=alice.id, user_id=bob.id)[0]


@pytest.mark.django_db
def test_personal_answers_are_not_cached(alice, api, client):
    for answer in (api(alice).get("/chats"), client.get("/accounts/login/")):
        assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("charset", ["unicode_escape", "hex", "idna", "utf-16", "latin-1"])
@pytest.mark.parametrize("path", ["/theme/", "/accounts/login/", "/api/v1/auth/login"])
def test_another_charset_than_utf_8_is_a_400(client, db, charset, path):
    body = b'--X\r\nContent-Disposition: form-data; name="next"\r\n\r\n\\ud800abc\r\n--X--\r\n'
    kind = f"multipart/form-data; boundary=X; charset={charset}"
    assert client.generic("POST", path, body, content_type=kind).status_code == 400


@pytest.mark.parametrize("target", ["foo", "conversation", "inbox"])
def test_a_theme_form_leads_to_a_path_and_never_to_a_route_name(client, db, target):
    answer = client.post("/theme/", {"theme": "dark", "next": target})
    assert (answer.status_code, answer["Location"]) == (302, target)
