"""Refresh tokens: rotation, retries, and reuse."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import jwt
import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone

from apps.accounts.models import LoginSession, User


def refresh(api, token):
    return api().post("/auth/refresh", {"refresh": token})


def grow_older(seconds):
    LoginSession.objects.update(rotated_at=F("rotated_at") - timedelta(seconds=seconds))


@pytest.mark.django_db
def test_refresh_returns_a_valid_new_pair(api, alice):
    client = api(alice)
    answer = refresh(api, client.tokens.refresh)
    assert answer.status_code == 200
    pair = answer.json()
    assert set(pair) == {"access", "refresh"}
    assert pair["refresh"] != client.tokens.refresh
    assert refresh(api, pair["refresh"]).status_code == 200
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {pair['access']}")
    assert client.get("/users/me").status_code == 200


@pytest.mark.django_db
def test_retry_within_the_window_gets_the_same_answer(api, alice):
    token = api(alice).tokens.refresh
    first = refresh(api, token).json()
    grow_older(9)
    # The issue time is part of the answer: it moves with the row.
    second = refresh(api, token).json()
    assert _claims(second["refresh"])["jti"] == _claims(first["refresh"])["jti"]
    assert refresh(api, token).json() == second
    assert refresh(api, second["refresh"]).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_concurrent_refreshes_get_the_same_pair(api, alice):
    token = api(alice).tokens.refresh

    def attempt(_):
        try:
            return refresh(api, token)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(attempt, range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    session = LoginSession.objects.get()
    assert session.revoked_at is None
    assert _claims(answers[0].json()["refresh"])["jti"] == str(session.refresh_jti)


@pytest.mark.django_db(transaction=True)
def test_reuse_after_the_window_ends_the_session(api, alice, closed_sockets):
    client = api(alice)
    other = api(alice)
    pair = refresh(api, client.tokens.refresh).json()
    grow_older(11)
    replay = refresh(api, client.tokens.refresh)
    assert (replay.status_code, replay.json()["code"]) == (401, "refresh_reused")
    row = LoginSession.objects.get(revoke_reason="refresh_reuse")
    assert row.revoked_at is not None
    assert closed_sockets() == [(alice.id, row.id)]
    honest = refresh(api, pair["refresh"])
    assert (honest.status_code, honest.json()["code"]) == (401, "session_ended")
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {pair['access']}")
    assert client.get("/users/me").json()["code"] == "session_ended"
    assert other.get("/users/me").status_code == 200


@pytest.mark.django_db
def test_token_before_the_previous_one_ends_the_session_even_within_the_window(api, alice):
    token = api(alice).tokens.refresh
    second = refresh(api, token).json()["refresh"]
    assert refresh(api, second).status_code == 200
    assert refresh(api, token).json()["code"] == "refresh_reused"
    assert refresh(api, second).json()["code"] == "session_ended"


@pytest.mark.django_db
def test_expired_session_cannot_be_refreshed(api, alice):
    token = api(alice).tokens.refresh
    LoginSession.objects.update(expires_at=timezone.now())
    assert refresh(api, token).json()["code"] == "session_ended"


@pytest.mark.django_db
def test_deactivated_account_cannot_refresh(api, alice):
    token = api(alice).tokens.refresh
    User.objects.update(is_active=False)
    assert refresh(api, token).status_code == 401


@pytest.mark.django_db
def test_forged_and_foreign_tokens_are_refused(api, alice):
    tokens = api(alice).tokens
    claims = _claims(tokens.refresh)
    forged = [
        tokens.access,
        tokens.refresh[:-2] + "xx",
        jwt.encode(claims, "another key of sufficient length for this", algorithm="HS256"),
        jwt.encode(claims, None, algorithm="none"),
        _unsigned(claims),
        "a.b.c",
        "é" * 100,
        "." * 16_000,
        " ",
    ]
    for token in forged:
        answer = refresh(api, token)
        assert answer.status_code in (400, 401), token
    assert refresh(api, tokens.refresh).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer \xff\xfe",
        "Bearer a b c",
        "bearer " + "a." * 20_000,
        "Basic YWxpY2U6eA==",
        "",
        "\x00",
    ],
)
def test_malformed_authorization_is_a_401(api, header):
    client = api()
    client.credentials(HTTP_AUTHORIZATION=header)
    answer = client.get("/users/me")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.django_db
def test_refresh_token_is_not_accepted_as_access_token(api, alice):
    client = api(alice)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {client.tokens.refresh}")
    assert client.get("/users/me").json()["code"] == "invalid_token"


@pytest.mark.django_db
def test_refresh_is_limited_per_address(api, alice, settings):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "refresh": (3, 0.001)}
    answers = [refresh(api, "nonsense").status_code for _ in range(4)]
    assert answers == [401, 401, 401, 429]
    assert int(refresh(api, api(alice).tokens.refresh)["Retry-After"]) > 0


@pytest.mark.django_db
def test_access_token_expires_after_fifteen_minutes(api, alice, time_machine):
    client = api(alice)
    time_machine.move_to(timezone.now() + timedelta(minutes=14))
    assert client.get("/users/me").status_code == 200
    time_machine.move_to(timezone.now() + timedelta(minutes=2))
    assert client.get("/users/me").json()["code"] == "invalid_token"


@pytest.mark.django_db
def test_bearer_authentication_needs_one_query(api, alice, django_assert_num_queries):
    client = api(alice)
    with django_assert_num_queries(1):
        client.patch("/users/me", {"unknown": 1})


def _claims(token):
    return jwt.decode(token, options={"verify_signature": False})


def _unsigned(claims):
    parts = [{"alg": "HS256", "typ": "JWT"}, claims]
    return (
        ".".join(
            base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
            for part in parts
        )
        + "."
    )
