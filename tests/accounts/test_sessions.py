"""Login sessions through REST: list, revoke, log out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from apps.accounts.models import LoginSession
from apps.accounts.tasks import prune_sessions
from tests.factories import PASSWORD


@pytest.mark.django_db
def test_sessions_of_apps_and_browsers_are_listed_with_the_current_one_marked(api, alice, bob):
    browser = Client(headers={"user-agent": "Mozilla/5.0 (X11; Linux) Firefox/140.0"})
    browser.force_login(alice)
    browser.get("/api/v1/users/me")
    client = api(alice)
    api(bob)
    LoginSession.objects.create(
        user=alice, kind="api", expires_at=timezone.now(), user_agent="expired"
    )
    body = client.get("/auth/sessions").json()
    assert body["total"] == 2
    named = {item["name"]: item for item in body["items"]}
    assert named["Firefox, Linux"]["kind"] == "browser"
    assert named["Firefox, Linux"]["current"] is False
    assert named["tests/1.0"]["current"] is True
    assert named["tests/1.0"]["ip_address"] == "192.0.2.1"


@pytest.mark.django_db
def test_number_of_queries_does_not_depend_on_the_number_of_sessions(
    api, alice, django_assert_num_queries
):
    client = api(alice)
    with django_assert_num_queries(3):
        client.get("/auth/sessions")
    for _ in range(10):
        api(alice)
    with django_assert_num_queries(3):
        assert client.get("/auth/sessions?page_size=100").json()["total"] == 11


@pytest.mark.django_db(transaction=True)
def test_revoked_app_is_signed_out_at_once(api, alice, closed_sockets):
    mine, lost = api(alice), api(alice)
    session_id = _id_of_other(mine)
    assert mine.delete(f"/auth/sessions/{session_id}").status_code == 204
    assert lost.get("/users/me").json()["code"] == "session_ended"
    assert lost.post("/auth/refresh", {"refresh": lost.tokens.refresh}).status_code == 401
    assert mine.get("/users/me").status_code == 200
    assert [(str(user), str(session)) for user, session in closed_sockets()] == [
        (str(alice.id), session_id)
    ]
    again = mine.delete(f"/auth/sessions/{session_id}")
    assert (again.status_code, again.json()["code"]) == (404, "session_not_found")


@pytest.mark.django_db
def test_revoking_a_browser_deletes_its_django_session(api, alice):
    browser = Client()
    browser.force_login(alice)
    assert browser.get("/api/v1/users/me").status_code == 200
    client = api(alice)
    assert client.delete(f"/auth/sessions/{_id_of_other(client)}").status_code == 204
    assert browser.get("/api/v1/users/me").status_code == 401
    assert not Session.objects.exists()


@pytest.mark.django_db
def test_sessions_of_others_are_neither_listed_nor_ended(api, alice, charlie):
    owner = api(alice)
    session_id = LoginSession.objects.get(user=alice).id
    stranger = api(charlie)
    assert stranger.delete(f"/auth/sessions/{session_id}").status_code == 404
    assert owner.get("/users/me").status_code == 200
    assert stranger.get("/auth/sessions").json()["total"] == 1
    assert api().get("/auth/sessions").status_code == 401


@pytest.mark.django_db
def test_logout_ends_the_calling_session(api, alice):
    client, other = api(alice), api(alice)
    assert client.post("/auth/logout", {}).status_code == 204
    assert client.get("/users/me").status_code == 401
    assert other.get("/users/me").status_code == 200
    assert api().post("/auth/logout", {}).status_code == 401


@pytest.mark.django_db
def test_logout_with_a_refresh_token_needs_no_access_token(api, alice):
    client = api(alice)
    token = client.tokens.refresh
    assert api().post("/auth/logout", {"refresh": token}).status_code == 204
    assert client.get("/users/me").status_code == 401
    assert api().post("/auth/logout", {"refresh": token}).status_code == 204
    assert api().post("/auth/logout", {"refresh": "x"}).status_code == 401


@pytest.mark.django_db
def test_deactivation_invalidates_tokens(api, alice):
    client = api(alice)
    alice.is_active = False
    alice.save()
    assert client.get("/users/me").status_code == 401


@pytest.mark.django_db
def test_pruning_deletes_only_sessions_that_ended_long_ago(api, alice, settings):
    now = timezone.now()
    old, recent = now - timedelta(days=31), now - timedelta(days=29)
    kept = [_row(alice, now + timedelta(days=1)), _row(alice, recent)]
    kept.append(_row(alice, now + timedelta(days=1), revoked_at=recent))
    _row(alice, old)
    _row(alice, now + timedelta(days=1), revoked_at=old)
    Session.objects.create(session_key="a" * 32, session_data="", expire_date=old)
    Session.objects.create(session_key="b" * 32, session_data="", expire_date=now + timedelta(1))
    assert prune_sessions() == 3
    assert set(LoginSession.objects.values_list("id", flat=True)) == {row.id for row in kept}
    assert Session.objects.get().session_key == "b" * 32


@pytest.mark.django_db
def test_cookie_authentication_requires_the_csrf_token(alice):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice)
    change = {"data": {"bio": "hi"}, "content_type": "application/json"}
    refused = browser.patch("/api/v1/users/me", **change)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    browser.cookies["csrftoken"] = "a" * 32
    accepted = browser.patch("/api/v1/users/me", headers={"X-CSRFToken": "a" * 32}, **change)
    assert accepted.status_code == 200


@pytest.mark.django_db
def test_expired_token_or_cookie_does_not_prevent_sign_in(api, alice):
    client = api(alice)
    LoginSession.objects.update(revoked_at=timezone.now())
    credentials = {"login": "alice", "password": PASSWORD}
    assert client.post("/auth/login", credentials).status_code == 200


def _id_of_other(client):
    items = client.get("/auth/sessions").json()["items"]
    return next(item["id"] for item in items if not item["current"])


def _row(user, expires_at, **fields):
    return LoginSession.objects.create(user=user, kind="api", expires_at=expires_at, **fields)
