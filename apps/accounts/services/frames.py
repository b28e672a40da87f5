"""The live frames about a person's account."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from apps.accounts.serializers import NotificationOut
from messenger.core import examples, live
from messenger.core.json import dumps
from messenger.core.socket import ServerFrame


class NotificationFrame(ServerFrame):
    """You have a new notification, or the number of unread ones has changed."""

    type: Literal["notification"]
    notification: NotificationOut | None = Field(
        description="As REST lists it; null where only the number has changed."
    )
    unread_count: Annotated[int, Field(ge=0)] = Field(description="Your unread notifications.")
    example: ClassVar[dict[str, Any]] = {
        "notification": {
            "id": examples.NOTIFICATION,
            "seq": 311,
            "kind": "mention",
            "payload": {
                "chat_id": examples.CHAT,
                "message_id": examples.MESSAGE,
                "seq": 42,
                "sender_id": examples.ALICE,
            },
            "created_at": examples.CHANGED_AT,
            "read_at": None,
        },
        "unread_count": 1,
    }


def notification(
    user_id: UUID, unread_count: int, notification: dict[str, Any] | None
) -> live.Frame:
    """A `NotificationFrame` for the person's own connections."""
    body = {
        "type": "notification",
        "notification": notification,
        "unread_count": unread_count,
    }
    return live.Frame(live.user_group(user_id), dumps(body))
