"""What every broker can do, and the promises it keeps, whatever it is called there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

DEAD = ".dead"


class BrokerUnavailable(Exception):
    """The broker cannot be reached, or does not confirm; whatever was asked may or may not be done.

    Its text names the reason and holds nothing of what was to be published.
    """


@dataclass(frozen=True, slots=True)
class Record:
    """One thing to publish; records with the same topic and key arrive in their order."""

    topic: str
    key: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Received:
    """One thing that has been published, as a consumer gets it."""

    topic: str
    key: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Broker(Protocol):
    """One process's way to the broker. Publishing is for one thread at a time."""

    def publish(self, records: Sequence[Record]) -> dict[int, str]:
        """Publish in order and return once the broker has confirmed all that it took.

        Returns those that it will never take, by their place in `records`, with the reason; their
        successors are published all the same. Raises `BrokerUnavailable`, after at most some
        seconds; publish all of them again then: an event may arrive twice.
        """

    def ping(self) -> None:
        """Whether it would take something now. Raises `BrokerUnavailable`, after some seconds."""

    def subscribe(self, topics: Sequence[str], group: str) -> Consumer:
        """Read `topics` as a member of `group`: each record goes to one of its members.

        A new group begins with what the broker still has. The topics, and their dead-letter
        topics, exist from then on. Raises `BrokerUnavailable`.
        """

    def close(self) -> None:
        """Give the connections back. What was not confirmed may be lost."""


class Consumer(Protocol):
    """A member of a group; for one thread. What it has not committed comes again, to whomever."""

    def poll(self, limit: int, seconds: float) -> list[Received]:
        """Up to `limit` records, after at most `seconds`; empty where there are none.

        Records of one topic and key come in their order. Raises `BrokerUnavailable`.
        """

    def commit(self) -> None:
        """All that `poll` has returned is done with. Raises `BrokerUnavailable`; it comes again."""

    def close(self) -> None:
        """Leave the group; what is not committed goes to others."""


def dead_letter_topic(topic: str) -> str:
    """Where records of `topic` go that nothing can be done with."""
    return topic + DEAD


def dead_letter(received: Received, reason: str) -> Record:
    """`received` as it came, for the dead-letter topic, with the reason beside it."""
    headers = {**received.headers, "reason": reason, "topic": received.topic}
    return Record(dead_letter_topic(received.topic), received.key, received.body, headers)
