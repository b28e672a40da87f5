"""The account pages: sign-up, sign-in, settings."""

from __future__ import annotations

import base64
import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.db import connection
from django.test import Client

from apps.accounts.models import LoginSession, User
from messenger.core.models import OutboxEvent
from tests.factories import PASSWORD

NEW = "a different staple"
FORM = {"username": "dora", "email": "Dora@example.org", "password1": "correct horse battery"}
SECRET = base64.b32encode(b"12345678901234567890").decode()


@pytest.fixture
def browser(alice) -> Client:
    client = Client()
    client.post("/accounts/login/", {"login": "alice", "password": PASSWORD})
    return client


@pytest.mark.django_db
def test_signing_up_on_the_page_registers_as_rest_does(mails):
    client = Client()
    answer = client.post("/accounts/signup/", FORM)
    assert answer.status_code == 302
    user = User.objects.get()
    assert (user.username, user.email) == ("dora", "dora@example.org")
    assert OutboxEvent.objects.get().event_type == "user.registered"
    assert EmailAddress.objects.get().primary
    assert mails()[-1].to == ["dora@example.org"]
    assert LoginSession.objects.get().kind == "browser"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        {"username": "ALICE"},
        {"username": "a b"},
        {"username": "deleted_x"},
        {"username": "x" * 5000},
        {"username": "do\x00ra"},
        {"email": "alice@EXAMPLE.org"},
        {"email": "x"},
        {"password1": "12345678"},
        {"password1": "x" * 129},
    ],
)
def test_the_sign_up_page_has_the_rules_of_rest(alice, change):
    answer = Client().post("/accounts/signup/", {**FORM, **change})
    assert answer.status_code == 200
    assert answer.context["form"].errors.keys() == change.keys()
    assert User.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_concurrent_sign_ups_make_one_account_and_form_errors():
    def sign_up(number):
        try:
            return Client().post("/accounts/signup/", {**FORM, "email": f"d{number}@example.org"})
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        statuses = sorted(answer.status_code for answer in pool.map(sign_up, range(6)))
    assert statuses == [*[200] * 5, 302]
    assert User.objects.count() == 1


@pytest.mark.django_db
def test_the_sign_in_page_shares_its_rate_limits_with_rest(alice, settings, api):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "login_account": (2, 0.001)}
    wrong = {"login": "alice", "password": "wrong"}
    api().post("/auth/login", wrong)
    Client().post("/accounts/login/", wrong)
    right = Client().post("/accounts/login/", {"login": "alice@example.org", "password": PASSWORD})
    assert right.status_code == 200
    assert right.context["form"].errors
    assert not LoginSession.objects.exists()


@pytest.mark.django_db
def test_a_code_used_on_the_page_is_used_up_for_apps(alice, api):
    TOTP.activate(alice, SECRET)
    client = Client()
    client.post("/accounts/login/", {"login": "alice", "password": PASSWORD})
    assert not LoginSession.objects.exists()
    wrong = client.post("/accounts/2fa/authenticate/", {"code": "000000"})
    assert wrong.status_code == 200
    code = format_hotp_value(hotp_value(SECRET, int(time.time()) // 30))
    assert client.post("/accounts/2fa/authenticate/", {"code": code}).status_code == 302
    assert LoginSession.objects.count() == 1
    answer = api().post("/auth/login", {"login": "alice", "password": PASSWORD, "otp": code})
    assert answer.json()["code"] == "otp_invalid"


@pytest.mark.django_db
def test_a_password_change_on_the_page_keeps_this_browser_only(browser, api, alice):
    app, other = api(alice), Client()
    other.force_login(alice)
    other.get("/settings/devices/")
    change = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    assert browser.post("/accounts/password/change/", change).status_code == 302
    assert browser.get("/api/v1/users/me").status_code == 200
    assert app.get("/users/me").status_code == 401
    assert other.get("/api/v1/users/me").status_code == 401
    row = LoginSession.objects.get(revoked_at=None)
    assert row.session_key == browser.cookies["sessionid"].value


@pytest.mark.django_db
def test_a_password_reset_on_the_page_ends_all_sessions(mails, api, alice):
    app = api(alice)
    client = Client()
    client.post("/accounts/password/reset/", {"email": alice.email})
    link = re.search(r"https?://[^/]+(/accounts/password/reset/key/\S+)", mails()[-1].body)[1]
    page = client.get(link, follow=True)
    target = page.redirect_chain[-1][0]
    assert client.post(target, {"password1": NEW, "password2": NEW}).status_code == 302
    assert app.get("/users/me").status_code == 401
    assert api().post("/auth/login", {"login": "alice", "password": NEW}).status_code == 200


@pytest.mark.django_db
def test_the_mailed_links_confirm_on_the_page(mails):
    Client().post("/accounts/signup/", FORM)
    link = re.search(r"https?://[^/]+(/accounts/confirm-email/\S+/)", mails()[-1].body)[1]
    assert Client().get(link).status_code == 200
    assert not EmailAddress.objects.get().verified
    assert Client().post(link).status_code == 302
    assert EmailAddress.objects.get().verified


@pytest.mark.django_db
def test_devices_shows_and_ends_my_sessions_only(browser, api, alice, charlie):
    app, second = api(alice), api(alice)
    stranger = api(charlie)
    page = browser.get("/settings/devices/")
    assert page.status_code == 200
    assert len(page.context["sessions"]) == 3
    first = LoginSession.objects.filter(kind="api", user=alice).earliest("id")
    one, others = "/settings/devices/sign-out/", "/settings/devices/sign-out-others/"
    browser.post(one, {"session_id": str(first.id)})
    assert app.get("/users/me").status_code == 401
    foreign = LoginSession.objects.get(user=charlie)
    for hostile in (str(foreign.id), "x", "", "\x00"):
        assert browser.post(one, {"session_id": hostile}).status_code == 302
    assert stranger.get("/users/me").status_code == 200
    assert [browser.get(path).status_code for path in (one, others)] == [405, 405]
    browser.post(others)
    assert second.get("/users/me").status_code == 401
    assert browser.get("/api/v1/users/me").status_code == 200


@pytest.mark.django_db
def test_the_profile_page_saves_and_refuses(browser, alice):
    page = browser.get("/settings/profile/")
    data = {**page.context["form"].initial, "display_name": "Alice A.", "bio": "one\r\ntwo"}
    assert browser.post("/settings/profile/", data).status_code == 302
    alice.refresh_from_db()
    assert (alice.display_name, alice.bio) == ("Alice A.", "one\ntwo")
    for bad in ({"time_zone": "Mars"}, {"display_name": "\u202ex"}, {"bio": "\x00"}):
        answer = browser.post("/settings/profile/", {**data, **bad})
        assert answer.context["form"].errors.keys() == bad.keys()


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/settings/profile/", "/settings/devices/", "/accounts/email/"])
def test_strangers_are_redirected_to_sign_in(path):
    answer = Client().get(path)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/")


@pytest.mark.django_db
def test_a_cookie_alone_changes_no_address(browser, alice, mails):
    """A thief of the cookie could otherwise redirect the next password mail."""
    EmailAddress.objects.create(user=alice, email="old@example.org", verified=True)
    for action, email in (
        ("action_add", "thief@example.org"),
        ("action_remove", "old@example.org"),
        ("action_primary", "old@example.org"),
    ):
        answer = browser.post("/accounts/email/", {action: "1", "email": email})
        assert answer["Location"].startswith("/accounts/reauthenticate/")
    alice.refresh_from_db()
    assert alice.email == "alice@example.org"
    assert EmailAddress.objects.filter(user=alice).count() == 2
    assert mails() == []


@pytest.mark.django_db
def test_the_primary_address_stays_unique_and_is_never_lost(browser, alice, bob, mails):
    def act(action, email):
        return browser.post("/accounts/email/", {action: "1", "email": email}).status_code

    assert browser.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 302
    EmailAddress.objects.create(user=alice, email=bob.email, verified=False)
    assert act("action_primary", bob.email) == 302  # not confirmed
    EmailAddress.objects.filter(user=bob).delete()
    EmailAddress.objects.filter(user=alice, email=bob.email).update(verified=True)
    assert act("action_primary", bob.email) == 302  # still bob's account's own
    assert act("action_remove", alice.email) == 302
    assert act("action_add", "second@example.org") == 302
    assert mails()[-1].to == ["second@example.org"]
    EmailAddress.objects.filter(email="second@example.org").update(verified=True)
    alice.refresh_from_db()
    assert alice.email == "alice@example.org"
    assert act("action_primary", "second@example.org") == 302
    alice.refresh_from_db()
    assert alice.email == "second@example.org"
