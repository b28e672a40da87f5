"""Message brokers for events and commands; `EVENT_BROKER_TYPE` selects one."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from messenger.core.brokers.protocol import (
    Broker,
    BrokerUnavailable,
    Consumer,
    Received,
    Record,
    dead_letter,
    dead_letter_topic,
)

__all__ = [
    "TYPES",
    "Broker",
    "BrokerUnavailable",
    "Consumer",
    "Received",
    "Record",
    "broker",
    "dead_letter",
    "dead_letter_topic",
]
TYPES = {
    "redis": "messenger.core.brokers.redis",
    "kafka": "messenger.core.brokers.kafka",
    "rabbitmq": "messenger.core.brokers.rabbitmq",
    "none": "messenger.core.brokers.none",
}


@cache
def broker() -> Broker:
    """The broker of this process, which connects on first use.

    Raises `ImproperlyConfigured` for an unknown `EVENT_BROKER_TYPE`.
    """
    chosen = settings.EVENT_BROKER_TYPE
    if chosen not in TYPES:
        raise ImproperlyConfigured(f"EVENT_BROKER_TYPE must be one of {', '.join(TYPES)}")
    # Imported here, since the clients of unused brokers would cost memory in every process.
    made: Broker = import_module(TYPES[chosen]).connect()
    return made
