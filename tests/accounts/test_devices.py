"""Devices: one row per endpoint, bound to the session that registered it."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.utils import timezone

from apps.accounts.models import Device, LoginSession
from apps.accounts.services.devices import DEVICES_LIMIT, device_register
from apps.accounts.tasks import prune_notifications


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def subscription(number: int = 1, **fields):
    """The result of `pushManager.subscribe` in a browser."""
    point = ec.generate_private_key(ec.SECP256R1()).public_key()
    raw = point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return {
        "endpoint": f"https://push.example.org/{number}",
        "keys": {"p256dh": base64url(raw), "auth": base64url(b"0123456789abcdef")},
        **fields,
    }


def test_device_is_registered_listed_and_removed(alice, bob, api):
    hers, his = api(alice), api(bob)
    made = hers.post("/devices", subscription())
    assert made.status_code == 201
    listed = hers.get("/devices").json()
    assert listed["items"] == [made.json()]
    assert len(base64.urlsafe_b64decode(listed["vapid_public_key"] + "=")) == 65
    assert "endpoint" not in made.json()
    assert his.get("/devices").json()["items"] == []
    assert his.delete(f"/devices/{made.json()['id']}").status_code == 404
    assert hers.delete(f"/devices/{made.json()['id']}").status_code == 204
    assert not Device.objects.exists()


def test_registering_an_endpoint_again_moves_its_row(alice, bob, api):
    first = api(alice).post("/devices", subscription())
    again = api(bob).post("/devices", subscription())
    assert (first.status_code, again.status_code) == (201, 200)
    assert Device.objects.get().user_id == bob.id


def test_session_has_one_device_of_each_kind(alice, api):
    client = api(alice)
    client.post("/devices", subscription(1))
    client.post("/devices", subscription(2))
    client.post("/devices", {"kind": "fcm", "endpoint": "a-token"})
    assert sorted(Device.objects.values_list("kind", flat=True)) == ["fcm", "webpush"]
    assert Device.objects.get(kind="webpush").endpoint.endswith("/2")


def test_signing_out_deletes_the_device(alice, api):
    client, other = api(alice), api(alice)
    client.post("/devices", subscription(1))
    other.post("/devices", subscription(2))
    client.post("/auth/logout", {})
    assert [row.endpoint[-1] for row in Device.objects.all()] == ["2"]
    api(alice).delete(f"/auth/sessions/{Device.objects.get().session_id}")
    assert not Device.objects.exists()


def test_number_of_devices_per_user_is_limited(alice, api):
    for number in range(DEVICES_LIMIT + 3):
        session = LoginSession.objects.get(pk=api(alice).tokens and _newest(alice))
        device_register(
            session_id=session.id,
            kind="webpush",
            p256dh="x",
            auth="y",
            endpoint=f"https://{number}",
        )
    assert Device.objects.count() == DEVICES_LIMIT
    assert not Device.objects.filter(endpoint="https://0").exists()


def _newest(user):
    return LoginSession.objects.filter(user=user).order_by("-created_at").first().pk


@pytest.mark.parametrize(
    "change",
    [
        {"endpoint": "http://push.example.org/1"},
        {"endpoint": "https://user:password@push.example.org/1"},
        {"endpoint": "https://push.example.org:8443/1"},
        {"endpoint": "https:///1"},
        {"endpoint": "https://[::1"},
        {"endpoint": "file:///etc/passwd"},
        {"endpoint": "https://push.example.org/ with space"},
        {"endpoint": "https://push.example.org/" + "x" * 2000},
        {"endpoint": ""},
        {"keys": None},
        {"keys": {"p256dh": base64url(b"\x04" + b"\x01" * 64), "auth": base64url(b"0" * 16)}},
        {"keys": {"p256dh": "x", "auth": "y"}},
        {"kind": "fcm"},
        {"kind": "pigeon"},
    ],
)
def test_invalid_push_subscription_is_refused(alice, api, change):
    assert api(alice).post("/devices", subscription(**change)).status_code == 400
    assert not Device.objects.exists()


def test_pruning_deletes_unreachable_devices_only(alice, api):
    now = timezone.now()
    kept = api(alice).post("/devices", subscription(1)).json()["id"]
    failing = api(alice).post("/devices", subscription(2)).json()["id"]
    expired = api(alice).post("/devices", subscription(3)).json()["id"]
    shaky = api(alice).post("/devices", subscription(4)).json()["id"]
    Device.objects.filter(id=failing).update(failing_since=now - timedelta(days=15))
    Device.objects.filter(id=shaky).update(failing_since=now - timedelta(days=13))
    LoginSession.objects.filter(devices=expired).update(expires_at=now)
    assert prune_notifications() == 2
    assert {str(row.id) for row in Device.objects.all()} == {kept, shaky}
