"""The interface of all brokers and its guarantees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

DEAD = ".dead"


class BrokerUnavailable(Exception):
    """The broker cannot be reached or does not confirm. The operation may have succeeded.

    The text names the reason and contains nothing of the records.
    """


@dataclass(frozen=True, slots=True)
class Record:
    """A record to publish; records with the same topic and key are delivered in order."""

    topic: str
    key: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Received:
    """A record as a consumer receives it."""

    topic: str
    key: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Broker(Protocol):
    """The connection of one process. Only one thread at a time may publish."""

    def publish(self, records: Sequence[Record]) -> dict[int, str]:
        """Publish in order; return after the broker has confirmed all accepted records.

        Returns index → reason for records that it refused permanently; later ones are published
        nevertheless. Raises `BrokerUnavailable` after a few seconds: then publish all of them
        again, so that an event may be delivered twice.
        """

    def ping(self) -> None:
        """Check that it accepts records. Raises `BrokerUnavailable` after a few seconds."""

    def subscribe(self, topics: Sequence[str], group: str) -> Consumer:
        """Consume `topics` as a member of `group`; each record goes to one member.

        A new group starts with the oldest record that the broker still has. Creates the topics and
        their dead-letter topics. Raises `BrokerUnavailable`.
        """

    def close(self) -> None:
        """Close the connections. Unconfirmed records may be lost."""


class Consumer(Protocol):
    """A member of a group, for one thread. Uncommitted records are delivered again to a member."""

    def poll(self, limit: int, seconds: float) -> list[Received]:
        """Up to `limit` records, after at most `seconds`; empty if there are none.

        Records of one topic and key are in order. Raises `BrokerUnavailable`.
        """

    def commit(self) -> None:
        """Commit all records that `poll` returned. Raises `BrokerUnavailable`: they come again."""

    def close(self) -> None:
        """Leave the group; uncommitted records go to other members."""


def dead_letter_topic(topic: str) -> str:
    """The topic for records of `topic` that cannot be processed."""
    return topic + DEAD


def dead_letter(received: Received, reason: str) -> Record:
    """The unchanged record for the dead-letter topic, with the reason in a header."""
    headers = {**received.headers, "reason": reason, "topic": received.topic}
    return Record(dead_letter_topic(received.topic), received.key, received.body, headers)
