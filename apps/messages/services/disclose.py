"""Staff look at a conversation's texts only after saying why."""

from __future__ import annotations

from uuid import UUID

from apps.messages.models import Disclosure


def disclosure_open(*, staff_id: UUID, chat_id: UUID, reason: str) -> Disclosure:
    """Store that and why a member of staff looks at a chat's texts, before they do."""
    return Disclosure.objects.create(staff_id=staff_id, chat_id=chat_id, reason=reason)
