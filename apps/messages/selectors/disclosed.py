"""The messages that staff may read after giving a reason."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from apps.messages.models import Disclosure, Message
from messenger.core.errors import NotFound

VALID_FOR = timedelta(hours=1)


def access_disclosure(staff_id: UUID, disclosure_id: UUID) -> Disclosure:
    """The staff member's own disclosure, at most an hour old; raises `NotFound`."""
    found = (
        Disclosure.objects.select_related("chat")
        .filter(id=disclosure_id, staff_id=staff_id, created_at__gt=timezone.now() - VALID_FOR)
        .first()
    )
    if found is None:
        raise NotFound
    return found


def disclosed_message_list_for(
    disclosure: Disclosure, *, before_seq: int | None, limit: int
) -> list[Message]:
    """The chat's messages before `before_seq`, the latest first, with their senders."""
    found = Message.objects.filter(chat_id=disclosure.chat_id).select_related("sender")
    if before_seq is not None:
        found = found.filter(seq__lt=before_seq)
    return list(found.order_by("-seq")[:limit])
