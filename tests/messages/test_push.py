"""Web Push for real: a push service of our own decrypts, checks the signature, misbehaves."""

from __future__ import annotations

import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import http_ece
import jwt
import pytest
from celery.exceptions import Retry
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.utils import timezone

from apps.accounts import push as web_push
from apps.accounts.models import Device, LoginSession, Notification
from apps.accounts.services.blocks import user_block
from apps.messages import tasks
from apps.messages.services.read import messages_read
from messenger.core import safe_http
from messenger.core.ids import new_id
from messenger.core.models import OutboxEvent

SECRET = b"0123456789abcdef"


class PushService(ThreadingHTTPServer):
    """What a browser's maker runs: takes pushes, and answers `status`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.status, self.headers, self.taken = 201, {}, []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def subscription(self) -> dict:
        raw = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        keys = {"p256dh": base64url(raw), "auth": base64url(SECRET)}
        return {"endpoint": f"{self.origin}/push/1?who=bob", "keys": keys}

    def read(self) -> dict:
        """The last push, as the browser reads it."""
        body = self.taken[-1][2]
        return json.loads(http_ece.decrypt(body, private_key=self.key, auth_secret=SECRET))


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((self.path, dict(self.headers), body))
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *args):
        pass


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@pytest.fixture
def service(settings):
    settings.OUTBOUND_ALLOW_PRIVATE = True
    running = PushService()
    yield running
    running.shutdown()
    running.server_close()


@pytest.fixture
def device(service, bob, api) -> Device:
    """bob's browser."""
    assert api(bob).post("/devices", service.subscription()).status_code == 201
    return Device.objects.get()


@pytest.fixture
def go(monkeypatch):
    """`go()`: fan out everything, and run what it queues here and now."""
    monkeypatch.setattr(tasks.push, "delay", tasks.push)

    def run():
        tasks.fan_out(list(OutboxEvent.objects.values_list("id", flat=True)))

    return run


def test_a_push_arrives_encrypted_signed_and_short(alice, bob, chat, say, service, device, go):
    sent = say(alice, "Tea at five?\nOr " + "later " * 500)
    go()
    path, headers, body = service.taken[0]
    assert path == "/push/1?who=bob"
    assert b"Tea" not in body
    assert len(body) < 4096
    assert headers["Content-Encoding"] == "aes128gcm"
    assert (headers["Urgency"], int(headers["TTL"])) == ("high", 24 * 3600)
    assert len(headers["Topic"]) <= 32
    scheme, _, rest = headers["Authorization"].partition(" ")
    parts = dict(part.strip().split("=", 1) for part in rest.split(","))
    assert scheme == "vapid"
    assert parts["k"] == web_push.public_key()
    raw = base64.urlsafe_b64decode(parts["k"] + "=")
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)
    claims = jwt.decode(parts["t"], key, algorithms=["ES256"], audience=service.origin)
    assert claims["sub"].startswith("mailto:")
    said = service.read()
    assert said["title"] == "Alice"
    assert said["body"].startswith("Tea at five? Or later")
    assert len(said["body"]) <= 160
    assert (said["tag"], said["url"]) == (str(sent["id"]), f"/chats/{chat.id}/")


def test_push_without_text_where_the_person_wants_it(
    alice, bob, chat, say, service, device, go, api
):
    api(bob).patch("/users/me", {"push_shows_text": False, "locale": "ru"})
    say(alice, "Secret")
    go()
    assert service.read()["body"] == "Новое сообщение"
    say(alice, "@bob_m secret")
    go()
    assert service.read()["body"] == "Вас упомянули"


@pytest.mark.parametrize("status", [404, 410])
def test_expired_device_is_deleted(alice, say, service, device, go, status):
    service.status = status
    say(alice, "hello")
    go()
    assert not Device.objects.exists()


@pytest.mark.parametrize(
    ("status", "headers"), [(429, {"Retry-After": "77"}), (503, {}), (500, {})]
)
def test_busy_push_service_is_retried_later(
    alice, say, service, device, monkeypatch, status, headers
):
    service.status, service.headers = status, headers
    say(alice, "hello")
    queued: list = []
    monkeypatch.setattr(tasks.push, "delay", lambda *args: queued.append(args))
    tasks.fan_out(list(OutboxEvent.objects.values_list("id", flat=True)))
    asked: list = []

    def retry(**options):
        asked.append(options["countdown"])
        return Retry()

    monkeypatch.setattr(tasks.push, "retry", retry)
    with pytest.raises(Retry):
        tasks.push(*queued[0])
    low = 77 if "Retry-After" in headers else tasks.FIRST_PAUSE
    assert low <= asked[0] <= low * 1.5
    service.status = 201
    tasks.push(*queued[0])
    assert service.read()["body"] == "hello"


def test_unreachable_device_is_marked_and_recovers(
    alice, bob, say, service, device, go, monkeypatch
):
    monkeypatch.setattr(tasks, "PUSH_RETRIES", 0)
    service.status = 500
    say(alice, "one")
    go()
    device.refresh_from_db()
    assert device.failing_since is not None
    service.status = 201
    say(alice, "two")
    go()
    device.refresh_from_db()
    assert device.failing_since is None


def test_read_or_replaced_notification_is_not_pushed(
    alice, bob, chat, say, service, device, monkeypatch
):
    queued: list = []
    monkeypatch.setattr(tasks.push, "delay", lambda *args: queued.append(args))
    for text in ("one", "two"):
        say(alice, text)
        tasks.fan_out(list(OutboxEvent.objects.values_list("id", flat=True)))
    first, second = queued
    tasks.push(*first)
    assert service.taken == []
    tasks.push(*second)
    assert len(service.taken) == 1
    messages_read(actor_id=bob.id, chat_id=chat.id, seq=2)
    tasks.push(*second)
    assert len(service.taken) == 1


def test_no_push_after_signing_out_or_when_the_session_is_over(
    alice, bob, say, service, device, go, api
):
    LoginSession.objects.filter(user=bob).update(expires_at=timezone.now())
    say(alice, "one")
    go()
    assert service.taken == []
    assert Notification.objects.get().pushed == 1


def test_a_redirect_is_not_followed(alice, say, service, device, go):
    service.status, service.headers = 302, {"Location": f"{service.origin}/elsewhere"}
    say(alice, "one")
    go()
    assert [path for path, *_ in service.taken] == ["/push/1?who=bob"]


def test_private_address_gets_no_request(alice, say, service, device, go, settings):
    settings.OUTBOUND_ALLOW_PRIVATE = False
    Device.objects.update(endpoint=service.subscription()["endpoint"].replace("http:", "https:"))
    say(alice, "one")
    go()
    assert service.taken == []
    assert not Device.objects.exists()


def test_no_push_without_a_site_key(alice, say, service, device, go, settings, api):
    settings.VAPID_PRIVATE_KEY = ""
    web_push.public_key.cache_clear()
    try:
        assert api(alice).get("/devices").json()["vapid_public_key"] is None
        say(alice, "one")
        go()
        assert service.taken == []
    finally:
        web_push.public_key.cache_clear()


def test_hanging_push_service_does_not_block_a_worker(service, device, monkeypatch):
    monkeypatch.setattr(safe_http, "WHOLE_TIMEOUT", 0.5)
    monkeypatch.setattr(safe_http, "CONNECT_TIMEOUT", 60)
    monkeypatch.setattr(Handler, "do_POST", lambda self: threading.Event().wait(4))
    started = time.monotonic()
    with pytest.raises(ConnectionError):
        safe_http.post(device.endpoint, b"x", {})
    assert time.monotonic() - started < 3


@pytest.mark.redis
def test_slow_devices_of_one_person_do_not_delay_others(
    alice, bob, say, service, device, go, monkeypatch
):
    monkeypatch.setattr(web_push, "SLOW", 0.05)
    answer = Handler.do_POST
    monkeypatch.setattr(Handler, "do_POST", lambda self: (time.sleep(0.1), answer(self)))
    for number in range(3):
        say(alice, f"@bob_m {number}")
    go()
    assert len(service.taken) == 1
    # Other devices of the same person soon rest with it; another person's do not.
    for number in range(web_push.SLOW_LIMIT + 2):
        Device.objects.update(id=new_id())
        say(alice, f"@bob_m again {number}")
        go()
    assert len(service.taken) == web_push.SLOW_LIMIT
    Device.objects.update(user=alice)
    assert not web_push.is_suspended(Device.objects.get())


def test_messages_of_people_blocked_meanwhile_are_not_pushed(
    alice, bob, say, service, device, monkeypatch
):
    queued: list = []
    monkeypatch.setattr(tasks.push, "delay", lambda *args: queued.append(args))
    say(alice, "you will read this")
    tasks.fan_out(list(OutboxEvent.objects.values_list("id", flat=True)))
    user_block(actor_id=bob.id, user_id=alice.id)
    tasks.push(*queued[0])
    assert service.taken == []
