"""Sign-in through REST."""

from __future__ import annotations

import base64
import time

import jwt
import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.contrib.auth.hashers import MD5PasswordHasher, make_password
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import LoginSession, User
from tests.factories import PASSWORD

SECRET = base64.b32encode(b"12345678901234567890").decode()


@pytest.mark.django_db
@pytest.mark.parametrize("login", ["alice", "ALICE", "alice@example.org", " Alice@Example.ORG "])
def test_username_and_email_sign_in_regardless_of_case(api, alice, login):
    answer = api().post(
        "/auth/login", {"login": login, "password": PASSWORD}, HTTP_USER_AGENT="Firefox/1 Linux"
    )
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert body["user"]["id"] == str(alice.id)
    payload = jwt.decode(body["access"], options={"verify_signature": False})
    session = LoginSession.objects.get(user=alice)
    assert payload["sub"] == str(alice.id)
    assert payload["email"] == alice.email
    assert payload["sid"] == str(session.id)
    assert (payload["roles"], payload["permissions"]) == ([], [])
    assert payload["is_superadmin"] is False
    assert payload["exp"] - payload["iat"] == 15 * 60
    refresh = jwt.decode(body["refresh"], options={"verify_signature": False})
    assert refresh["exp"] - refresh["iat"] == 30 * 24 * 3600
    assert refresh["jti"] == str(session.refresh_jti)
    assert session.user_agent == "Firefox/1 Linux"
    assert session.ip_address == "127.0.0.1"
    alice.refresh_from_db()
    assert alice.last_login is not None


@pytest.mark.django_db
def test_unknown_name_wrong_password_and_deactivated_account_get_the_same_answer(api, alice, bob):
    User.objects.filter(id=bob.id).update(is_active=False)
    answers = [
        api().post("/auth/login", {"login": "nobody", "password": PASSWORD}),
        api().post("/auth/login", {"login": "nobody@example.org", "password": PASSWORD}),
        api().post("/auth/login", {"login": "alice", "password": "wrong"}),
        api().post("/auth/login", {"login": "alice", "password": f" {PASSWORD}"}),
        api().post("/auth/login", {"login": bob.username, "password": PASSWORD}),
    ]
    bodies = [{**answer.json(), "request_id": ""} for answer in answers]
    assert {answer.status_code for answer in answers} == {401}
    assert bodies[0]["code"] == "invalid_credentials"
    assert all(body == bodies[0] for body in bodies)
    assert not LoginSession.objects.exists()


@pytest.mark.django_db
def test_unknown_name_computes_one_hash_like_a_wrong_password(api, alice, bob, monkeypatch):
    User.objects.filter(id=bob.id).update(is_active=False)
    hashed = []
    encode = MD5PasswordHasher.encode

    def counted(hasher, password, salt):
        hashed.append(password)
        return encode(hasher, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", counted)
    for login in ("alice", "nobody", "nobody@example.org", bob.username):
        hashed.clear()
        api().post("/auth/login", {"login": login, "password": "wrong password"})
        assert len(hashed) == 1, login


@pytest.mark.django_db
def test_bcrypt_hash_is_accepted_and_upgraded_to_argon2id(api, alice, settings):
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.Argon2PasswordHasher",
        "django.contrib.auth.hashers.BCryptSHA256PasswordHasher",
    ]
    alice.password = make_password(PASSWORD, hasher="bcrypt_sha256")
    alice.save()
    answer = api().post("/auth/login", {"login": "alice", "password": PASSWORD})
    assert answer.status_code == 200
    alice.refresh_from_db()
    assert alice.password.startswith("argon2$argon2id$")


@pytest.mark.django_db
def test_token_contains_roles_and_permissions_with_a_constant_number_of_queries(api, alice, bob):
    def sign_in(user):
        with CaptureQueriesContext(connection) as queries:
            answer = api().post("/auth/login", {"login": user.username, "password": PASSWORD})
        return answer.json(), len(queries)

    _, bare = sign_in(bob)
    permissions = list(Permission.objects.order_by("pk")[:5])
    for name in ("moderators", "support"):
        group = Group.objects.create(name=name)
        group.permissions.set(permissions[:3])
        alice.groups.add(group)
    alice.user_permissions.set(permissions[2:])
    body, rich = sign_in(alice)
    payload = jwt.decode(body["access"], options={"verify_signature": False})
    assert payload["roles"] == ["moderators", "support"]
    assert len(payload["permissions"]) == len(set(payload["permissions"])) == 5
    assert payload["permissions"] == sorted(payload["permissions"])
    assert rich == bare


@pytest.mark.django_db
def test_sign_in_is_limited_per_account_and_per_address(api, alice, settings):
    settings.RATE_LIMITS = {
        **settings.RATE_LIMITS,
        "login_account": (3, 0.001),
        "login_address": (7, 0.001),
    }
    right = {"login": "alice", "password": PASSWORD}
    for login in ("alice", "ALICE", "alice@example.org"):  # one account, one bucket
        answer = api().post("/auth/login", {"login": login, "password": "wrong"})
        assert answer.status_code == 401
    limited = api().post("/auth/login", right)
    assert (limited.status_code, limited.json()["code"]) == (429, "rate_limited")
    assert int(limited["Retry-After"]) > 0
    for _ in range(3):
        assert api().post("/auth/login", {**right, "login": "nobody"}).status_code == 401
    assert api().post("/auth/login", {**right, "login": "someone"}).status_code == 429
    other = api().post("/auth/login", {**right, "login": "someone"}, REMOTE_ADDR="192.0.2.9")
    assert other.status_code == 401


@pytest.mark.django_db
def test_forwarded_address_counts_only_behind_a_trusted_proxy(api, alice, settings):
    body = {"login": "alice", "password": PASSWORD}
    forwarded = {"HTTP_X_FORWARDED_FOR": "203.0.113.5, 198.51.100.7"}
    api().post("/auth/login", body, **forwarded)
    assert LoginSession.objects.latest("id").ip_address == "127.0.0.1"
    settings.TRUSTED_PROXY_COUNT = 1
    api().post("/auth/login", body, **forwarded)
    assert LoginSession.objects.latest("id").ip_address == "198.51.100.7"
    api().post("/auth/login", body, HTTP_X_FORWARDED_FOR="' OR 1=1")
    assert LoginSession.objects.latest("id").ip_address is None


@pytest.mark.django_db
def test_ipv6_addresses_are_stored_without_zone_and_limited_by_network(api, alice, settings):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "login_address": (2, 0.001)}
    body = {"login": "alice", "password": PASSWORD}
    stored = []
    for peer in ("fe80::1%eth0", "fe80::2", "::ffff:192.0.2.7"):
        assert api().post("/auth/login", body, REMOTE_ADDR=peer).status_code == 200
        stored.append(LoginSession.objects.latest("id").ip_address)
    assert stored == ["fe80::1", "fe80::2", "192.0.2.7"]
    assert api().post("/auth/login", body, REMOTE_ADDR="fe80::3").status_code == 429


@pytest.mark.django_db
def test_sign_in_fails_if_the_password_changes_meanwhile(api, alice, monkeypatch):
    def change_meanwhile(**_):
        User.objects.update(password="!changed")

    monkeypatch.setattr("apps.accounts.services.login.second_factor_verify", change_meanwhile)
    answer = api().post("/auth/login", {"login": "alice", "password": PASSWORD})
    assert answer.json()["code"] == "invalid_credentials"
    assert not LoginSession.objects.exists()


class TestSecondFactor:
    @pytest.fixture(autouse=True)
    def _totp(self, alice):
        TOTP.activate(alice, SECRET)

    @pytest.fixture
    def login(self, api, alice):
        def post(**more):
            return api().post("/auth/login", {"login": "alice", "password": PASSWORD, **more})

        return post

    def test_code_is_required_only_after_the_right_password(self, login):
        assert login(password="wrong").json()["code"] == "invalid_credentials"
        answer = login()
        assert (answer.status_code, answer.json()["code"]) == (401, "otp_required")
        assert not LoginSession.objects.exists()

    def test_code_signs_in_once(self, login):
        code = format_hotp_value(hotp_value(SECRET, int(time.time()) // 30))
        assert login(otp=f"{code[:3]} {code[3:]}").status_code == 200
        again = login(otp=code)
        assert (again.status_code, again.json()["code"]) == (401, "otp_invalid")

    @pytest.mark.parametrize("code", ["000000x", "٠٠٠٠٠٠", "-", "12345", "1" * 32])
    def test_wrong_code_is_refused(self, login, code):
        assert login(otp=code).json()["code"] == "otp_invalid"

    def test_expired_code_is_refused(self, login):
        code = format_hotp_value(hotp_value(SECRET, int(time.time()) // 30 - 3))
        assert login(otp=code).json()["code"] == "otp_invalid"

    def test_recovery_code_signs_in_once(self, login, alice):
        codes = RecoveryCodes.activate(alice).get_unused_codes()
        assert login(otp=codes[3]).status_code == 200
        assert login(otp=codes[3]).json()["code"] == "otp_invalid"
        assert login(otp=codes[4]).status_code == 200

    def test_account_with_only_a_passkey_must_sign_in_on_the_page(self, login, alice):
        Authenticator.objects.update(type=Authenticator.Type.WEBAUTHN)
        answer = login()
        assert (answer.status_code, answer.json()["code"]) == (403, "passkey_required")
