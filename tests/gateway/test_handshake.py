"""The handshake: identities, limits and the end of a session."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client as Browser
from django.utils import timezone
from websockets.exceptions import InvalidStatus

from apps.accounts.models import LoginSession
from apps.accounts.services.login import device_sign_in
from tests.conftest import DEVICE
from tests.factories import PASSWORD
from tests.web import Client

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def port(processes) -> int:
    return processes[0].port


def token_of(user) -> str:
    return device_sign_in(user=user, device=DEVICE).access


def cookie_of(user) -> str:
    browser = Browser()
    assert browser.login(username=user.username, password=PASSWORD)
    assert browser.get("/api/v1/users/me").status_code == 200  # ties the cookie to its session
    return f"{settings.SESSION_COOKIE_NAME}={browser.session.session_key}"


def test_bearer_header_opens_and_gets_connected(alice, port):
    client = Client(port, token_of(alice))
    hello = client.wait("connected")
    assert (hello["user_id"], hello["protocol"]) == (str(alice.id), 1)
    assert hello["heartbeat"] == {"interval": 25, "timeout": 60}
    assert hello["limits"] == {"text": 5000, "frame": 65536, "messages_per_10s": 70}
    assert client.ready() == {"type": "sync_done", "chats": {}, "revs": {}}


def test_subprotocol_carries_the_token_and_the_server_selects_the_other(alice, port):
    client = Client(port, subprotocols=["messenger.v1", f"bearer.{token_of(alice)}"])
    assert client.socket.subprotocol == "messenger.v1"
    assert client.wait("connected")["user_id"] == str(alice.id)


def test_session_cookie_opens_from_own_pages_only(alice, port):
    own = {"Cookie": cookie_of(alice), "Origin": f"http://127.0.0.1:{port}"}
    assert Client(port, headers=own).wait("connected")["user_id"] == str(alice.id)
    for origin in ({"Origin": "https://evil.example"}, {}):
        with pytest.raises(InvalidStatus) as refused:
            Client(port, headers={"Cookie": cookie_of(alice), **origin})
        assert refused.value.response.status_code == 403


@pytest.mark.parametrize("token", [None, "nonsense", "a.b.c", "\u00e9"])
def test_missing_or_invalid_identity_is_closed_with_4401_after_accept(
    token, port, transactional_db
):
    headers = {"Authorization": f"Bearer {token}".encode().decode("latin-1")} if token else {}
    assert Client(port, headers=headers).close_code() == 4401


def test_invalid_token_is_refused_despite_a_valid_cookie(alice, port):
    headers = {"Cookie": cookie_of(alice), "Origin": f"http://127.0.0.1:{port}"}
    assert Client(port, "stale", headers=headers).close_code() == 4401


def test_other_paths_are_refused(port, transactional_db):
    import websockets.sync.client

    with pytest.raises(InvalidStatus):
        websockets.sync.client.connect(f"ws://127.0.0.1:{port}/ws/other", legacy=True)


def test_logout_closes_the_sockets_of_that_session_only(alice, join, api, processes):
    phone, laptop = api(alice), api(alice)
    on_phone = join(alice, at=1, token=phone.tokens.access)
    on_laptop = join(alice, at=1, token=laptop.tokens.access)
    assert phone.post("/auth/logout", {"refresh": phone.tokens.refresh}).status_code == 204
    assert on_phone.close_code(timeout=1.5) == 4401
    assert on_laptop.frames_until_answer() == []


def test_unpublished_revocation_is_found_in_the_database(alice, join, api):
    client = api(alice)
    there = join(alice, token=client.tokens.access)
    LoginSession.objects.filter(user=alice).update(revoked_at=timezone.now())
    assert there.close_code(timeout=8) == 4401


def test_expired_session_is_closed_with_4401(alice, port, api):
    client = api(alice)
    LoginSession.objects.filter(user=alice).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert Client(port, client.tokens.access).close_code() == 4401


def test_person_has_at_most_twenty_sockets_per_process(alice, join, port):
    token = token_of(alice)
    for _ in range(settings.SOCKET_CONNECTIONS_PER_USER):
        join(alice, token=token)
    assert Client(port, token).close_code() == 4429


def test_fresh_token_is_accepted_and_a_foreign_one_is_refused(alice, bob, join, api):
    mine, other = api(alice), api(alice)
    there = join(alice, token=mine.tokens.access)
    fresh = mine.post("/auth/refresh", {"refresh": mine.tokens.refresh}).json()["access"]
    there.send("authenticate", token=fresh)
    assert there.frames_until_answer() == []
    for foreign in (other.tokens.access, token_of(bob), "nonsense"):
        assert there.ask("authenticate", token=foreign)["type"] == "error"
