"""Wire shapes of devices and notifications."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from django.conf import settings
from pydantic import AfterValidator, Field, StrictInt, model_validator
from pydantic_core import PydanticCustomError

from apps.accounts.models import Device, Notification
from messenger.core.shapes import Input, Output

BIGINT_MAX = 2**63 - 1
Seq = Annotated[int, Field(ge=0, le=BIGINT_MAX)]


def _bytes(value: str, length: int) -> bytes:
    try:
        found = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
    except (ValueError, binascii.Error):
        found = b""
    if len(found) != length:
        raise PydanticCustomError("key", "Not a key of a push subscription.")
    return found


def _public_key(value: str) -> str:
    try:
        EllipticCurvePublicKey.from_encoded_point(SECP256R1(), _bytes(value, 65))
    except ValueError:
        raise PydanticCustomError("key", "Not a key of a push subscription.") from None
    return value


def _secret(value: str) -> str:
    _bytes(value, 16)
    return value


class SubscriptionKeys(Input):
    """As `PushSubscription.toJSON()` gives them."""

    p256dh: Annotated[str, Field(max_length=100), AfterValidator(_public_key)] = Field(
        description="The browser's public key, base64url."
    )
    auth: Annotated[str, Field(max_length=50), AfterValidator(_secret)] = Field(
        description="The shared secret, base64url."
    )


class DeviceInput(Input):
    """Where this login session wants its pushes."""

    kind: Literal["webpush", "fcm", "apns"] = "webpush"
    endpoint: str = Field(
        min_length=1,
        max_length=2000,
        pattern=r"^[\x21-\x7e]+$",
        description="A Web Push subscription's address, or the token of FCM or APNs.",
        examples=["https://push.example.org/wpush/v2/gAAAAABk"],
    )
    keys: SubscriptionKeys | None = Field(default=None, description="Web Push only.")

    @model_validator(mode="after")
    def _whole(self) -> DeviceInput:
        if (self.kind == "webpush") != (self.keys is not None):
            raise ValueError("keys belong to webpush, and webpush needs them")
        if self.kind == "webpush" and not _is_push_address(self.endpoint):
            raise ValueError("endpoint must be an https address")
        return self


def _is_push_address(text: str) -> bool:
    try:
        address = urlsplit(text)
        has_port = address.port is not None
    except ValueError:
        return False
    if settings.OUTBOUND_ALLOW_PRIVATE:
        return address.scheme in ("https", "http") and bool(address.hostname)
    return (
        address.scheme == "https"
        and bool(address.hostname)
        and "@" not in address.netloc
        and not has_port
    )


class DeviceOut(Output):
    """A device that gets pushes. Its address and keys are told to nobody."""

    id: UUID
    kind: Literal["webpush", "fcm", "apns"]
    session_id: UUID = Field(description="The login session that it ends with.")
    current: bool = Field(description="It belongs to the session that asks.")
    created_at: datetime
    seen_at: datetime = Field(description="When it was registered last.")


class DevicesOut(Output):
    """My devices, and what a browser needs in order to become one."""

    items: list[DeviceOut]
    vapid_public_key: str | None = Field(
        description="`applicationServerKey` for `pushManager.subscribe`; null: no Web Push here."
    )


class NotificationQuery(Input):
    """A window of my notifications; give at most one position."""

    before_seq: Seq | None = Field(default=None, description="Older than this.")
    after_seq: Seq | None = Field(default=None, description="Newer than this.")
    limit: int = Field(default=50, ge=1, le=100)

    @model_validator(mode="after")
    def _one_position(self) -> NotificationQuery:
        if self.before_seq is not None and self.after_seq is not None:
            raise ValueError("give at most one of before_seq and after_seq")
        return self


class NotificationsReadInput(Input):
    """Which ones: all up to `seq`, or those of `ids`."""

    seq: Annotated[StrictInt, Field(ge=0, le=BIGINT_MAX)] | None = None
    ids: Annotated[list[UUID], Field(min_length=1, max_length=100)] | None = None

    @model_validator(mode="after")
    def _one_choice(self) -> NotificationsReadInput:
        if (self.seq is None) == (self.ids is None):
            raise ValueError("give either seq or ids")
        return self


class NotificationOut(Output):
    """One thing that I was told. What it names is read through REST: texts are not repeated."""

    id: UUID
    seq: int = Field(description="Orders the list; grows when the notification moves forward.")
    kind: str = Field(description="`messages`: unread in a chat; `mention`: somebody named me.")
    payload: dict[str, Any] = Field(
        description="Of both kinds: `chat_id`, and `message_id`, `seq`, `sender_id` of the newest"
        " message that it tells of."
    )
    created_at: datetime = Field(description="When it was told, or told anew.")
    read_at: datetime | None


class NotificationsOut(Output):
    """Notifications, oldest first."""

    items: list[NotificationOut]
    has_more_before: bool
    has_more_after: bool
    unread_count: int = Field(description="Of all, not only of this window.")


def device_out(device: Device, session_id: UUID) -> dict[str, Any]:
    """A `DeviceOut` as the session `session_id` sees it."""
    return {
        "id": device.id,
        "kind": device.kind,
        "session_id": device.session_id,
        "current": device.session_id == session_id,
        "created_at": device.created_at,
        "seen_at": device.seen_at,
    }


def notification_out(notification: Notification) -> dict[str, Any]:
    """A `NotificationOut`."""
    return {
        "id": notification.id,
        "seq": notification.seq,
        "kind": notification.kind,
        "payload": notification.payload,
        "created_at": notification.created_at,
        "read_at": notification.read_at,
    }
