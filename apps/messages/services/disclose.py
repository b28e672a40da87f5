"""Staff read a conversation's texts only after giving a reason, which is logged."""

from __future__ import annotations

from uuid import UUID

from apps.messages.models import Disclosure


def disclosure_open(*, staff_id: UUID, chat_id: UUID, reason: str) -> Disclosure:
    """Log that a member of staff is about to read a chat's texts, and why."""
    return Disclosure.objects.create(staff_id=staff_id, chat_id=chat_id, reason=reason)
