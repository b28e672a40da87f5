"""Browser sessions and their login sessions."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from apps.accounts.models import LoginSession, User
from apps.accounts.selectors import identity_for_access_token, identity_for_session_key
from messenger.core.errors import NotAuthenticated
from tests.factories import PASSWORD

ME = "/api/v1/users/me"


@pytest.fixture
def browser(alice) -> Client:
    client = Client(headers={"user-agent": "Mozilla/5.0 (Windows NT 10.0) Chrome/130.0"})
    client.post("/accounts/login/", {"login": "alice", "password": PASSWORD})
    return client


@pytest.mark.django_db
def test_sign_in_on_the_page_opens_a_login_session(browser, alice):
    row = LoginSession.objects.get()
    assert (row.user, row.kind, row.ip_address) == (alice, "browser", "127.0.0.1")
    assert row.session_key == browser.cookies["sessionid"].value
    assert browser.get(ME).json()["username"] == "alice"
    assert LoginSession.objects.count() == 1


@pytest.mark.django_db
def test_anonymous_request_needs_no_query_and_a_signed_in_one_two(
    browser, django_assert_num_queries
):
    with django_assert_num_queries(0):
        Client().get("/api/v1/users/me")
    with django_assert_num_queries(2):  # Django's session, and person with login session
        browser.patch(ME, {"unknown": 1}, content_type="application/json")


@pytest.mark.django_db
def test_last_use_of_a_session_is_stored_once_a_minute(browser, django_assert_num_queries):
    earlier = timezone.now() - timedelta(seconds=61)
    LoginSession.objects.update(last_seen_at=earlier)
    with django_assert_num_queries(3):
        browser.patch(ME, {"unknown": 1}, content_type="application/json")
    assert LoginSession.objects.get().last_seen_at > earlier
    with django_assert_num_queries(2):
        browser.patch(ME, {"unknown": 1}, content_type="application/json")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "end",
    [
        lambda: LoginSession.objects.update(revoked_at=timezone.now()),
        lambda: LoginSession.objects.update(expires_at=timezone.now()),
        lambda: LoginSession.objects.all().delete(),
        lambda: User.objects.update(is_active=False),
        lambda: User.objects.update(password="changed elsewhere"),
    ],
)
def test_revoked_session_is_flushed(browser, end):
    key = browser.cookies["sessionid"].value
    identity_for_session_key(key)
    end()
    with pytest.raises(NotAuthenticated):
        identity_for_session_key(key)
    assert browser.get(ME).status_code == 401
    assert not Session.objects.exists()
    assert browser.cookies["sessionid"].value == ""


@pytest.mark.django_db(transaction=True)
def test_sign_out_on_the_page_ends_the_login_session(browser, alice, closed_sockets):
    browser.post("/accounts/logout/")
    row = LoginSession.objects.get()
    assert row.revoke_reason == "logout"
    assert closed_sockets() == [(alice.id, row.id)]


@pytest.mark.django_db
def test_sign_in_of_another_user_ends_the_login_session_of_the_first(browser, bob):
    browser.force_login(bob)
    browser.cookies["sessionid"]
    assert browser.get(ME).json()["username"] == bob.username
    assert LoginSession.objects.filter(user=bob, revoked_at=None).count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "cookie",
    ['"abcdefgh\\000ijkl"', "x" * 32, "A" * 32, "é" * 32, "a" * 4000, "' OR 1=1 --", "\\ud800" * 8],
)
def test_malformed_cookie_is_anonymous(cookie, db):
    client = Client(headers={"cookie": f"sessionid={cookie}"})
    assert client.get(ME).status_code == 401
    with pytest.raises(NotAuthenticated):
        identity_for_session_key(cookie)


@pytest.mark.django_db
def test_session_with_a_wrong_hash_is_refused(browser):
    session = browser.session
    session[HASH_SESSION_KEY] = "0" * 64
    session.save()
    assert browser.get(ME).status_code == 401


@pytest.mark.django_db
def test_token_and_cookie_identify_their_session(api, alice, browser, django_assert_num_queries):
    token = api(alice).tokens.access
    with django_assert_num_queries(1):
        by_token = identity_for_access_token(token)
    with django_assert_num_queries(2):
        by_cookie = identity_for_session_key(browser.cookies["sessionid"].value)
    assert by_token.user == by_cookie.user == alice
    assert LoginSession.objects.get(id=by_token.session_id).kind == "api"
    assert LoginSession.objects.get(id=by_cookie.session_id).kind == "browser"
    assert by_token.expires_at is not None
