"""No broker: events are not published; tasks still handle them."""

from __future__ import annotations

from collections.abc import Sequence

from messenger.core.brokers.protocol import BrokerUnavailable, Consumer, Record


class NoBroker:
    """Confirms every record and publishes none."""

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
