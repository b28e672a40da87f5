"""Web Push on the wire: encrypted for the browser (RFC 8291), signed by this site (RFC 8292)."""

from __future__ import annotations

import base64
import enum
import http.client
import time
from contextlib import suppress
from functools import cache
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from redis.exceptions import RedisError

from apps.accounts.models import Device
from messenger.core import safe_http
from messenger.core.json import dumps_bytes
from messenger.core.redis import client

log = structlog.get_logger("messenger.push")
TIME_TO_LIVE = 24 * 3600  # seconds for which a push service keeps an undelivered push
TOKEN_LIFETIME = 12 * 3600
LONGEST_PAUSE = 600
# Users choose the endpoints: slow ones must not occupy the workers.
SLOW = 3.0  # seconds
SLOW_PAUSE = 300  # seconds without pushes after a slow answer
SLOW_LIMIT = 3  # slow answers to one user's devices within that time


class Outcome(enum.Enum):
    """The outcome of a push."""

    SENT = "sent"
    GONE = "the subscription has ended"
    LATER = "temporarily unavailable"
    REFUSED = "refused permanently"


@cache
def public_key() -> str | None:
    """The public key of `VAPID_PRIVATE_KEY`, with which browsers subscribe; None without one."""
    if not settings.VAPID_PRIVATE_KEY:
        return None
    padded = settings.VAPID_PRIVATE_KEY + "=" * (-len(settings.VAPID_PRIVATE_KEY) % 4)
    number = int.from_bytes(base64.urlsafe_b64decode(padded), "big")
    point = derive_private_key(number, SECP256R1()).public_key()
    raw = point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def topic(thread: UUID) -> str:
    """The topic of a thread, at most 32 characters. A waiting push replaces others of its topic."""
    return base64.urlsafe_b64encode(thread.bytes).decode().rstrip("=")


def is_suspended(device: Device) -> bool:
    """Whether pushes are suspended, because this or other devices of the user were slow.

    False where Redis is unavailable.
    """
    try:
        own, persons = client().mget(_slow_device_key(device), _slow_user_key(device))
    except RedisError:
        return False
    return own is not None or int(persons or 0) >= SLOW_LIMIT


def _record_slow(device: Device) -> None:
    log.info("push_slow", device_id=str(device.id))
    with suppress(RedisError):
        pipeline = client().pipeline()
        pipeline.set(_slow_device_key(device), 1, ex=SLOW_PAUSE)
        pipeline.incr(_slow_user_key(device))
        pipeline.expire(_slow_user_key(device), SLOW_PAUSE)
        pipeline.execute()


def _slow_device_key(device: Device) -> str:
    return f"push:slow:device:{device.id}"


def _slow_user_key(device: Device) -> str:
    return f"push:slow:person:{device.user_id}"


def send(
    device: Device, payload: dict[str, Any], *, thread: UUID, urgent: bool
) -> tuple[Outcome, int]:
    """Push `payload` to a browser; returns the outcome, and the seconds until a retry if `LATER`.

    0 seconds: the push service named no time.
    """
    # Takes a quarter of a second to import; only workers push.
    from pywebpush import WebPusher

    keys = {"p256dh": device.p256dh, "auth": device.auth}
    body = WebPusher({"endpoint": device.endpoint, "keys": keys}).encode(dumps_bytes(payload))
    headers = {
        **_signature(device.endpoint),
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(TIME_TO_LIVE),
        "Topic": topic(thread),
        "Urgency": "high" if urgent else "normal",
    }
    started = time.monotonic()
    try:
        status, answered = safe_http.post(device.endpoint, body["body"], headers)
    except safe_http.AddressRefused:
        return Outcome.GONE, 0
    except (OSError, http.client.HTTPException) as error:
        log.info("push_failed", device_id=str(device.id), error=type(error).__name__)
        return Outcome.LATER, 0
    finally:
        if time.monotonic() - started > SLOW:
            _record_slow(device)
    outcome = _outcome(status)
    if outcome is not Outcome.SENT:
        log.info("push_not_sent", device_id=str(device.id), status=status)
    after = answered.get("retry-after", "")
    return outcome, min(int(after), LONGEST_PAUSE) if after.isdecimal() and len(after) < 9 else 0


def _outcome(status: int) -> Outcome:
    if 200 <= status < 300:
        return Outcome.SENT
    if status in (404, 410):
        return Outcome.GONE
    if status == 429 or status >= 500:
        return Outcome.LATER
    return Outcome.REFUSED


def _signature(endpoint: str) -> dict[str, str]:
    from py_vapid import Vapid02

    address = urlsplit(endpoint)
    claims = {
        "aud": f"{address.scheme}://{address.netloc}",
        "sub": settings.VAPID_CONTACT,
        "exp": int(time.time()) + TOKEN_LIFETIME,
    }
    signed: dict[str, str] = Vapid02.from_raw(settings.VAPID_PRIVATE_KEY.encode()).sign(claims)
    return signed
