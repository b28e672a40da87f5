"""Domain events: typed, frozen facts, written to the outbox in the transaction of the change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar, cast
from uuid import UUID

import structlog
from django.db import transaction
from pydantic import BaseModel, ConfigDict

from messenger.core import relay_wakeup
from messenger.core.models import OutboxEvent

VERSION = 1
_classes: dict[str, type[Event]] = {}
_handlers: dict[str, list[str]] = {}
E = TypeVar("E", bound="Event")
Reaction = Callable[[Any, UUID | None], None]
_reactions: dict[str, list[Reaction]] = {}


class Event(BaseModel):
    """A fact about one aggregate, such as a chat; events about the same one arrive in order.

    `event_type` is its name on the wire, `topic` the broker's topic it is published to.
    `written_in_sql` marks events whose outbox rows a statement inserts without `emit`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    event_type: ClassVar[str]
    topic: ClassVar[str]
    written_in_sql: ClassVar[bool] = False

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        if "event_type" in cls.__dict__:
            _classes[cls.event_type] = cls

    @property
    def aggregate_id(self) -> UUID:
        raise NotImplementedError


def event_classes() -> list[type[Event]]:
    """The event classes of all installed apps, ordered by name."""
    return [_classes[name] for name in sorted(_classes)]


def register_handler(event_type: str, task_name: str) -> None:
    """Have the Celery task `task_name` called with outbox ids of such events: `task([1, 2, …])`.

    Each id is passed at least once, at most 500 per call, in no particular order, whether or not
    the broker is available. Called in `AppConfig.ready`; registering a task twice changes nothing.
    """
    tasks = _handlers.setdefault(event_type, [])
    if task_name not in tasks:
        tasks.append(task_name)


def handlers(event_type: str) -> tuple[str, ...]:
    """The names of the tasks that handle events of this type."""
    return tuple(_handlers.get(event_type, ()))


def react(event_class: type[E], handler: Callable[[E, UUID | None], None]) -> None:
    """Have `emit` call `handler(event, actor_id)` for such events, inside the transaction.

    For changes that an event of a lower app requires: both writes commit, or neither does.
    Called in `AppConfig.ready`; registering a handler twice changes nothing.
    Raises `TypeError` for events that are written in SQL, without `emit`.
    """
    if event_class.written_in_sql:
        raise TypeError(f"{event_class.event_type} is written in SQL: nothing can react to it")
    handlers = _reactions.setdefault(event_class.event_type, [])
    if handler not in handlers:
        handlers.append(cast(Reaction, handler))


def emit(event: Event, *, actor_id: UUID | None) -> None:
    """Write `event` to the outbox, then run its reactions, in the same transaction.

    Raises `RuntimeError` outside a transaction, and the errors of reactions.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("emit() must be called inside the transaction of the change")
    OutboxEvent.objects.create(
        event_type=event.event_type,
        topic=event.topic,
        aggregate_id=event.aggregate_id,
        payload=event.model_dump(mode="json"),
        metadata=event_metadata(actor_id),
    )
    outbox_written()
    for handler in _reactions.get(event.event_type, ()):
        handler(event, actor_id)


def outbox_written() -> None:
    """Wake the relay after the commit. Call it after inserting outbox rows with SQL."""
    transaction.on_commit(relay_wakeup.wake_relay, robust=True)


def event_metadata(actor_id: UUID | None) -> dict[str, Any]:
    """The actor, the id of the request, and the version of the payload's schema."""
    return {
        "actor_id": str(actor_id) if actor_id else None,
        "request_id": structlog.contextvars.get_contextvars().get("request_id"),
        "version": VERSION,
    }
