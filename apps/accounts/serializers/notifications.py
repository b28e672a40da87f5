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
    """The keys of `PushSubscription.toJSON()`."""

    p256dh: Annotated[str, Field(max_length=100), AfterValidator(_public_key)] = Field(
        description="The browser's public key, base64url."
    )
    auth: Annotated[str, Field(max_length=50), AfterValidator(_secret)] = Field(
        description="The shared secret, base64url."
    )


class DeviceInput(Input):
    """A device that shall receive the pushes of this login session."""

    kind: Literal["webpush", "fcm", "apns"] = "webpush"
    endpoint: str = Field(
        min_length=1,
        max_length=2000,
        pattern=r"^[\x21-\x7e]+$",
        description="The URL of a Web Push subscription, or the token of FCM or APNs.",
        examples=["https://push.example.org/wpush/v2/gAAAAABk"],
    )
    keys: SubscriptionKeys | None = Field(default=None, description="Web Push only.")

    @model_validator(mode="after")
    def _keys_match_kind(self) -> DeviceInput:
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
    """A device that receives pushes. Its endpoint and keys are never returned."""

    id: UUID
    kind: Literal["webpush", "fcm", "apns"]
    session_id: UUID = Field(description="The login session with which it is deleted.")
    current: bool = Field(description="Whether it belongs to the calling session.")
    created_at: datetime
    seen_at: datetime = Field(description="When it was last registered.")


class DevicesOut(Output):
    """My devices, and the key with which a browser subscribes."""

    items: list[DeviceOut]
    vapid_public_key: str | None = Field(
        description="`applicationServerKey` for `pushManager.subscribe`; null without Web Push."
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
    """All up to `seq`, or those of `ids`."""

    seq: Annotated[StrictInt, Field(ge=0, le=BIGINT_MAX)] | None = None
    ids: Annotated[list[UUID], Field(min_length=1, max_length=100)] | None = None

    @model_validator(mode="after")
    def _one_choice(self) -> NotificationsReadInput:
        if (self.seq is None) == (self.ids is None):
            raise ValueError("give either seq or ids")
        return self


class NotificationOut(Output):
    """A notification. It contains ids; messages and chats are read through REST."""

    id: UUID
    seq: int = Field(description="Orders the list; grows when the notification is updated.")
    kind: str = Field(
        description="`messages`: unread messages in a chat; `mention`: a mention of me."
    )
    payload: dict[str, Any] = Field(
        description="`chat_id`, and `message_id`, `seq` and `sender_id` of the newest message"
        " concerned."
    )
    created_at: datetime = Field(description="When it was created or last updated.")
    read_at: datetime | None


class NotificationsOut(Output):
    """Notifications, oldest first."""

    items: list[NotificationOut]
    has_more_before: bool
    has_more_after: bool
    unread_count: int = Field(description="Of all notifications, not only this window.")


def device_out(device: Device, session_id: UUID) -> dict[str, Any]:
    """The `DeviceOut` for the session `session_id`."""
    return {
        "id": device.id,
        "kind": device.kind,
        "session_id": device.session_id,
        "current": device.session_id == session_id,
        "created_at": device.created_at,
        "seen_at": device.seen_at,
    }


def notification_out(notification: Notification) -> dict[str, Any]:
    """The `NotificationOut` as a plain dict."""
    return {
        "id": notification.id,
        "seq": notification.seq,
        "kind": notification.kind,
        "payload": notification.payload,
        "created_at": notification.created_at,
        "read_at": notification.read_at,
    }
