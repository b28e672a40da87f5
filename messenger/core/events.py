"""Domain events: typed, frozen, past-tense facts, written to the outbox where they happen."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

import structlog
from django.db import transaction
from pydantic import BaseModel, ConfigDict

from messenger.core.models import OutboxEvent

VERSION = 1


class Event(BaseModel):
    """A fact. `event_type` is its name on the wire; `aggregate_id` says what it is about."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    event_type: ClassVar[str]

    @property
    def aggregate_id(self) -> UUID:
        raise NotImplementedError


def emit(event: Event, *, actor_id: UUID | None) -> None:
    """Write `event` to the outbox. Raises `RuntimeError` outside a transaction."""
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("emit() belongs inside the transaction of what it tells")
    OutboxEvent.objects.create(
        event_type=event.event_type,
        aggregate_id=event.aggregate_id,
        payload=event.model_dump(mode="json"),
        metadata=event_metadata(actor_id),
    )


def event_metadata(actor_id: UUID | None) -> dict[str, Any]:
    """Who did it, in which request, and the version of the payload's schema."""
    return {
        "actor_id": str(actor_id) if actor_id else None,
        "request_id": structlog.contextvars.get_contextvars().get("request_id"),
        "version": VERSION,
    }
