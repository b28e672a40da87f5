"""What may be done on an open socket ends with the right to it: at once, on every process."""

from __future__ import annotations

import contextlib
import time

import jwt
import pytest
from websockets.exceptions import ConnectionClosed

from apps.accounts.models import LoginSession
from apps.accounts.services.login import device_sign_in
from apps.accounts.services.profile import user_set_active
from apps.messages.models import Message
from tests.conftest import DEVICE
from tests.factories import PASSWORD
from tests.web import Client

pytestmark = pytest.mark.django_db(transaction=True)
WITHIN = 1.2  # a second, and what a busy machine adds


@pytest.fixture
def short_token(settings):
    """`short_token(alice, 3)`: an access token that ends in three seconds."""

    def make(user, seconds: float):
        settings.ACCESS_TOKEN_LIFETIME = seconds
        pair = device_sign_in(user=user, device=DEVICE)
        settings.ACCESS_TOKEN_LIFETIME = 900
        return pair

    return make


def test_a_changed_password_closes_the_other_sessions_on_every_process(alice, join, api):
    client, other = api(alice), api(alice)
    own = join(alice, token=client.tokens.access)
    others = [join(alice, at=at, token=other.tokens.access) for at in (0, 1)]
    body = {"password": PASSWORD, "new_password": "an entirely new one"}
    assert client.post("/auth/password/change", body).status_code == 204
    assert [one.close_code(timeout=WITHIN) for one in others] == [4401, 4401]
    assert own.quiet(0.3) == []


def test_a_revoked_session_closes_on_every_process(alice, join, api):
    client, other = api(alice), api(alice)
    sockets = [join(alice, at=at, token=other.tokens.access) for at in (0, 1)]
    mine = client.get("/auth/sessions").json()["items"]
    (session_id,) = [one["id"] for one in mine if not one["current"]]
    assert client.delete(f"/auth/sessions/{session_id}").status_code == 204
    assert [one.close_code(timeout=WITHIN) for one in sockets] == [4401, 4401]


@pytest.mark.parametrize("with_layer", [True, False])
def test_a_deactivated_account_is_told_so_on_every_process(
    alice, bob, chat, join, lost_publishes, with_layer
):
    sockets = [join(bob, at=at) for at in (0, 1)]
    with contextlib.nullcontext() if with_layer else lost_publishes():
        user_set_active(actor_id=alice.id, user_id=bob.id, is_active=False)
    assert [one.close_code(timeout=2 * WITHIN) for one in sockets] == [4403, 4403]


def test_an_account_switched_off_behind_the_service_s_back_is_found_too(alice, join):
    socket = join(alice)
    LoginSession.objects.filter(user=alice).delete()
    assert socket.close_code(timeout=8) == 4401


def test_a_token_that_ends_is_announced_and_then_closes(alice, join, short_token):
    socket = join(alice, token=short_token(alice, 4).access, wait=False)
    started = time.monotonic()
    socket.wait("token_expiring", timeout=2)
    assert socket.close_code(timeout=6) == 4401
    assert 2 < time.monotonic() - started < 5.5


def test_a_token_is_announced_half_a_minute_before_its_end_and_once(alice, join, short_token):
    socket = join(alice, token=short_token(alice, 33).access)
    early = [frame["type"] for frame in socket.quiet(1)]
    assert early == []
    assert [frame["type"] for frame in socket.quiet(5)] == ["token_expiring"]


def test_a_fresh_token_goes_on_beyond_the_old_one_s_end(alice, bob, chat, join, api, short_token):
    pair = short_token(alice, 3)
    socket = join(alice, token=pair.access, wait=False)
    socket.wait("token_expiring", timeout=2)
    fresh = api().post("/auth/refresh", {"refresh": pair.refresh}).json()["access"]
    socket.send("authenticate", token=fresh)
    socket.quiet(4)
    assert socket.say(chat.id, "still me")["seq"] == 1


def test_nothing_is_done_with_a_token_that_has_just_ended(alice, bob, chat, join, short_token):
    token = short_token(alice, 3).access
    socket = join(alice, token=token)
    ends = jwt.decode(token, options={"verify_signature": False})["exp"]
    time.sleep(max(0, ends - time.time()) + 0.02)  # between two looks of the server's
    with contextlib.suppress(ConnectionClosed):
        socket.send("message", message_id=chat.id, chat_id=chat.id, text="late", ref="late")
    assert socket.close_code() == 4401
    assert not Message.objects.exists()


@pytest.mark.redis
def test_bad_frames_are_counted_over_all_connections_and_reconnecting_is_no_way_out(
    alice, bob, join, processes
):
    token = device_sign_in(user=alice, device=DEVICE).access
    one, other, bystander = join(alice, token=token), join(alice, at=1, token=token), join(bob)
    for socket in (one, other):
        for _ in range(11):
            socket.raw("{")
    codes = []
    for socket in (one, other):
        try:
            codes.append(socket.close_code(timeout=1))
        except TimeoutError:
            codes.append(0)
    assert 4429 in codes
    again = Client(processes[0].port, token)
    again.ready()
    again.raw("{")
    again.raw("{")
    assert again.close_code() == 4429
    bystander.raw("{")
    assert [frame["code"] for frame in bystander.quiet(0.3)] == ["invalid_input"]
