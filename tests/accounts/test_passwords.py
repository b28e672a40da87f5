"""Password changes and resets through REST."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import LoginSession, User
from tests.factories import PASSWORD

NEW = "a different staple"


@pytest.mark.django_db(transaction=True)
def test_password_change_ends_the_other_sessions(api, alice, closed_sockets):
    client, other = api(alice), api(alice)
    browser = Client()
    browser.force_login(alice)
    browser.get("/api/v1/users/me")
    answer = client.post("/auth/password/change", {"password": PASSWORD, "new_password": NEW})
    assert answer.status_code == 204
    assert client.get("/users/me").status_code == 200
    assert other.get("/users/me").status_code == 401
    assert browser.get("/api/v1/users/me").status_code == 401
    assert len(closed_sockets()) == 2
    assert set(
        LoginSession.objects.exclude(revoked_at=None).values_list("revoke_reason", flat=True)
    ) == {"password_change"}
    assert api().post("/auth/login", {"login": "alice", "password": PASSWORD}).status_code == 401
    assert api().post("/auth/login", {"login": "alice", "password": NEW}).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("password", "new", "field"),
    [
        ("wrong", NEW, "password"),
        (PASSWORD, "short", "new_password"),
        (PASSWORD, "alice@example.org", "new_password"),
        (PASSWORD, "12345678901", "new_password"),
    ],
)
def test_invalid_change_has_no_effect(api, alice, password, new, field):
    client = api(alice)
    answer = client.post("/auth/password/change", {"password": password, "new_password": new})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == field
    assert api().post("/auth/login", {"login": "alice", "password": PASSWORD}).status_code == 200


@pytest.mark.django_db
def test_browser_stays_signed_in_after_a_password_change(api, alice):
    browser, app = Client(), api(alice)
    browser.force_login(alice)
    change = {"password": PASSWORD, "new_password": NEW}
    path = "/api/v1/auth/password/change"
    assert browser.post(path, change, content_type="application/json").status_code == 204
    assert browser.get("/api/v1/users/me").status_code == 200
    assert app.get("/users/me").status_code == 401


@pytest.mark.django_db
def test_leading_and_trailing_spaces_are_part_of_the_password(api, alice):
    new = f"  {NEW} "
    client = api(alice)
    client.post("/auth/password/change", {"password": PASSWORD, "new_password": new})
    assert api().post("/auth/login", {"login": "alice", "password": NEW}).status_code == 401
    assert api().post("/auth/login", {"login": "alice", "password": new}).status_code == 200


@pytest.mark.django_db
def test_guesses_of_the_current_password_are_limited(api, alice, settings):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "login_account": (2, 0.001)}
    client = api(alice)
    guess = {"password": "wrong", "new_password": NEW}
    statuses = [client.post("/auth/password/change", guess).status_code for _ in range(3)]
    assert statuses == [400, 400, 429]


@pytest.mark.django_db
def test_password_reset_ends_all_sessions_and_its_key_works_once(api, mails, alice):
    client = api(alice)
    assert api().post("/auth/password/reset", {"email": "ALICE@example.org"}).status_code == 202
    key = _key(mails()[-1].body)
    confirm = {"key": key, "password": NEW}
    weak = api().post("/auth/password/reset/confirm", {**confirm, "password": "12345678"})
    assert weak.json()["errors"][0]["field"] == "password"
    assert api().post("/auth/password/reset/confirm", confirm).status_code == 204
    assert client.get("/users/me").status_code == 401
    assert api().post("/auth/login", {"login": "alice", "password": NEW}).status_code == 200
    again = api().post("/auth/password/reset/confirm", confirm)
    assert (again.status_code, again.json()["code"]) == (400, "invalid_key")


@pytest.mark.django_db
def test_key_is_invalid_after_a_sign_in_after_expiry_and_after_deactivation(
    api, mails, alice, time_machine
):
    def fresh_key():
        api().post("/auth/password/reset", {"email": alice.email})
        return _key(mails()[-1].body)

    def code(key):
        answer = api().post("/auth/password/reset/confirm", {"key": key, "password": NEW})
        return answer.status_code, answer.json()["code"]

    key = fresh_key()
    api().post("/auth/login", {"login": "alice", "password": PASSWORD})
    assert code(key) == (400, "invalid_key")
    key = fresh_key()
    time_machine.move_to(timezone.now() + timedelta(days=4))
    assert code(key) == (400, "invalid_key")
    key = fresh_key()
    User.objects.update(is_active=False)
    assert code(key) == (400, "invalid_key")


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["x", "-", "a-b", "00000000-0000", "é-é", "-" * 512])
def test_forged_key_is_refused(api, key):
    answer = api().post("/auth/password/reset/confirm", {"key": key, "password": NEW})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_key")


@pytest.mark.django_db
def test_answer_does_not_reveal_whether_an_address_has_an_account(api, mails, alice):
    known = api().post("/auth/password/reset", {"email": alice.email})
    unknown = api().post("/auth/password/reset", {"email": "nobody@example.org"})
    assert known.status_code == unknown.status_code == 202
    assert known.content == unknown.content
    assert [bool(re.search("reset/key", sent.body)) for sent in mails()] == [True, False]


@pytest.mark.django_db
def test_recipient_gets_at_most_five_mails_an_hour_with_unchanged_answers(api, mails, alice):
    answers = [api().post("/auth/password/reset", {"email": alice.email}) for _ in range(7)]
    assert {answer.status_code for answer in answers} == {202}
    assert len(mails()) == 5


def _key(body):
    return re.search(r"/accounts/password/reset/key/(\S+)/", body)[1]
