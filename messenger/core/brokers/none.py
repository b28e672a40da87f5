"""No broker: events stay inside, where tasks still handle them."""

from __future__ import annotations

from collections.abc import Sequence

from messenger.core.brokers.protocol import BrokerUnavailable, Consumer, Record


class NoBroker:
    """Takes everything and tells nobody."""

    def publish(self, records: Sequence[Record]) -> dict[int, str]:
        return {}

    def ping(self) -> None:
        return

    def subscribe(self, topics: Sequence[str], group: str) -> Consumer:
        raise BrokerUnavailable("EVENT_BROKER_TYPE is none")

    def close(self) -> None:
        return


def connect() -> NoBroker:
    """The broker of `EVENT_BROKER_TYPE=none`."""
    return NoBroker()
