"""Domain events: typed, frozen, past-tense facts, written to the outbox where they happen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar, cast
from uuid import UUID

import structlog
from django.db import transaction
from pydantic import BaseModel, ConfigDict

from messenger.core import poke
from messenger.core.models import OutboxEvent

VERSION = 1
_classes: dict[str, type[Event]] = {}
_followers: dict[str, list[str]] = {}
E = TypeVar("E", bound="Event")
Reaction = Callable[[Any, UUID | None], None]
_reactions: dict[str, list[Reaction]] = {}


class Event(BaseModel):
    """A fact. `event_type` is its name on the wire, `topic` the broker's topic it goes to;
    `aggregate_id` says what it is about: events about the same thing arrive in their order.
    `written_in_sql` marks those whose outbox rows a batch writes itself, without `emit`.
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
    """Every event of every installed app, by name."""
    return [_classes[name] for name in sorted(_classes)]


def follow(event_type: str, task_name: str) -> None:
    """Have the Celery task `task_name` called with outbox ids of such events: `task([1, 2, …])`.

    At least once, at most 500 at a time, whether or not the broker can be reached. Apps call this
    in `AppConfig.ready`.
    """
    tasks = _followers.setdefault(event_type, [])
    if task_name not in tasks:
        tasks.append(task_name)


def followers(event_type: str) -> tuple[str, ...]:
    """The tasks that follow events of this type."""
    return tuple(_followers.get(event_type, ()))


def react(event_class: type[E], handler: Callable[[E, UUID | None], None]) -> None:
    """Have `emit` call `handler(event, actor_id)` for such events, inside the transaction.

    The way in which an app answers an event of a lower app: both writes commit, or neither does.
    Called in `AppConfig.ready`; registering the same handler again changes nothing.
    Raises `TypeError` for events that are written in SQL, which `emit` never sees.
    """
    if event_class.written_in_sql:
        raise TypeError(f"{event_class.event_type} is written in SQL: nothing can react to it")
    handlers = _reactions.setdefault(event_class.event_type, [])
    if handler not in handlers:
        handlers.append(cast(Reaction, handler))


def emit(event: Event, *, actor_id: UUID | None) -> None:
    """Write `event` to the outbox, then run its reactions, in the same transaction.

    Raises `RuntimeError` outside a transaction, and whatever a reaction raises.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("emit() belongs inside the transaction of what it tells")
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
    """Wake the relay once the transaction has committed; for who writes outbox rows in SQL."""
    transaction.on_commit(poke.relay_wanted, robust=True)


def event_metadata(actor_id: UUID | None) -> dict[str, Any]:
    """Who did it, in which request, and the version of the payload's schema."""
    return {
        "actor_id": str(actor_id) if actor_id else None,
        "request_id": structlog.contextvars.get_contextvars().get("request_id"),
        "version": VERSION,
    }
