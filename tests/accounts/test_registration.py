"""Registration through REST."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from allauth.account.models import EmailAddress
from django.db import connection

from apps.accounts.models import User
from messenger.core.models import OutboxEvent

GOOD = {"username": "dora", "email": "Dora@Example.org", "password": "correct horse battery"}


@pytest.fixture
def confirmation_is_mandatory(settings):
    settings.EMAIL_VERIFICATION = settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"


@pytest.mark.django_db
def test_registration_signs_in_mails_and_emits_an_event(api, mails):
    answer = api().post("/auth/register", GOOD)
    assert answer.status_code == 201, answer.content
    body = answer.json()
    assert body["user"]["username"] == "dora"
    assert body["user"]["email"] == "dora@example.org"
    assert body["user"]["email_confirmed"] is False
    me = api()
    me.credentials(HTTP_AUTHORIZATION=f"Bearer {body['access']}")
    assert me.get("/users/me").json() == body["user"]
    assert mails()[-1].to == ["dora@example.org"]
    assert "/accounts/confirm-email/" in mails()[-1].body
    event = OutboxEvent.objects.get(event_type="user.registered")
    assert event.payload == {
        "user_id": body["user"]["id"],
        "username": "dora",
        "display_name": "",
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"username": "ab"}, "username"),
        ({"username": "1abc"}, "username"),
        ({"username": "a" * 33}, "username"),
        ({"username": "Deleted_user"}, "username"),
        ({"username": "зоя_зоя"}, "username"),
        ({"username": 5}, "username"),
        ({"username": None}, "username"),
        ({"email": "nobody"}, "email"),
        ({"email": "a@b\n.org"}, "email"),
        ({"email": "ä@example.org"}, "email"),
        ({"email": f"{'a' * 250}@example.org"}, "email"),
        ({"password": "short"}, "password"),
        ({"password": "1234567890"}, "password"),
        ({"password": "password"}, "password"),
        ({"password": "x" * 129}, "password"),
        ({"password": ["correct horse battery"]}, "password"),
        ({"is_staff": True}, "is_staff"),
    ],
)
def test_invalid_field_is_named(api, change, field):
    answer = api().post("/auth/register", {**GOOD, **change})
    assert answer.status_code == 400
    assert answer["Content-Type"].startswith("application/problem+json")
    assert {error["field"] for error in answer.json()["errors"]} == {field}
    assert not User.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "raw",
    [
        b'{"username": "do\\u0000ra"}',
        b'{"username": "\\ud800dora"}',
        b"\xff\xfe",
        b"[" * 5000,
        b"[]",
        b'"dora"',
        b"",
        b'{"a":1,"a":2}',
        b'{"username": NaN}',
    ],
)
@pytest.mark.parametrize("path", ["/auth/register", "/auth/login", "/auth/refresh"])
def test_malformed_bodies_are_refused(api, raw, path):
    answer = api().generic("POST", path, raw, content_type="application/json")
    assert answer.status_code == 400
    assert answer["Content-Type"].startswith("application/problem+json")


@pytest.mark.django_db
def test_names_and_addresses_are_unique_regardless_of_case(api, alice):
    taken = api().post("/auth/register", {**GOOD, "username": "ALICE"})
    assert taken.status_code == 400
    assert taken.json()["errors"][0]["code"] == "taken"
    taken = api().post("/auth/register", {**GOOD, "email": "ALICE@example.org"})
    assert taken.json()["errors"][0]["field"] == "email"


@pytest.mark.django_db(transaction=True)
def test_concurrent_registrations_create_one_account(api):
    def register(number):
        try:
            return api().post("/auth/register", {**GOOD, "email": f"d{number}@example.org"})
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(register, range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, *[400] * 5]
    assert User.objects.count() == EmailAddress.objects.count() == 1
    assert OutboxEvent.objects.filter(event_type="user.registered").count() == 1


@pytest.mark.django_db
@pytest.mark.usefixtures("confirmation_is_mandatory")
def test_mandatory_confirmation_hides_whether_the_address_has_an_account(api, mails, alice):
    fresh = api().post("/auth/register", GOOD)
    known = api().post("/auth/register", {**GOOD, "username": "dora2", "email": alice.email})
    again = api().post("/auth/register", GOOD)
    assert fresh.status_code == known.status_code == again.status_code == 201
    assert fresh.json() == known.json() == again.json()
    assert set(fresh.json()) == {"detail"}
    assert User.objects.count() == 2
    assert [message.to for message in mails()] == [
        ["dora@example.org"],
        ["alice@example.org"],
        ["dora@example.org"],
    ]
    assert "confirm-email" not in mails()[1].body


@pytest.mark.django_db
@pytest.mark.usefixtures("confirmation_is_mandatory")
def test_sign_in_requires_a_confirmed_address_where_that_is_mandatory(api, mails):
    api().post("/auth/register", GOOD)
    credentials = {"login": "dora", "password": GOOD["password"]}
    wrong = api().post("/auth/login", {**credentials, "password": "something else"})
    assert wrong.status_code == 401
    refused = api().post("/auth/login", credentials)
    assert refused.status_code == 403
    assert refused.json()["code"] == "email_not_confirmed"
    assert len(mails()) == 2
    key = _key(mails()[-1].body)
    assert api().post("/auth/email/confirm", {"key": key}).status_code == 204
    assert api().post("/auth/login", credentials).status_code == 200
    again = api().post("/auth/email/confirm", {"key": key})
    assert again.status_code == 400
    assert again.json()["code"] == "invalid_key"


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["x", "a:b:c", "é:ü:ö", ":" * 500, "-" * 511])
def test_forged_confirmation_key_is_refused(api, key):
    answer = api().post("/auth/email/confirm", {"key": key})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_key")


@pytest.mark.django_db
def test_address_confirmed_by_another_account_cannot_be_confirmed_again(api, mails, alice):
    api().post("/auth/register", GOOD)
    key = _key(mails()[-1].body)
    EmailAddress.objects.create(user=alice, email="dora@example.org", verified=True)
    answer = api().post("/auth/email/confirm", {"key": key})
    assert answer.json()["code"] == "invalid_key"


@pytest.mark.django_db
def test_registration_is_limited_per_address(api, settings):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "register": (2, 0.001)}
    statuses = [
        api().post("/auth/register", {**GOOD, "username": f"d{n}aa", "email": f"{n}@e.org"})
        for n in range(3)
    ]
    assert [answer.status_code for answer in statuses] == [201, 201, 429]
    assert int(statuses[-1]["Retry-After"]) > 0


def _key(body: str) -> str:
    return body.split("/accounts/confirm-email/")[1].split("/", maxsplit=1)[0]
