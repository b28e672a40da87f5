"""Kafka: topics as they are named, the aggregate as the key, confirmed by all replicas in sync.

The producer is idempotent: what librdkafka itself repeats arrives once and in its place. After a
failure it is thrown away with all that was under way, so that nothing old follows something newer.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from typing import Any

from confluent_kafka import Consumer as KafkaClient
from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition
from django.conf import settings

from messenger.core.brokers.protocol import (
    BrokerUnavailable,
    Received,
    Record,
    dead_letter_topic,
)

log = logging.getLogger("messenger.kafka")  # librdkafka logs into it
TIMEOUT = 5.0  # seconds
# What no repetition will change: such a record is refused, everything else is tried again.
HOPELESS = {KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_MSG, KafkaError.INVALID_RECORD}


class Kafka:
    """The broker on one cluster."""

    def __init__(self, servers: str) -> None:
        self._servers = servers
        self._producer: Any = None

    def publish(self, records: Sequence[Record]) -> dict[int, str]:
        if self._producer is None:
            self._producer = Producer(self._configuration(), logger=log)
        confirmed: dict[int, KafkaError | None] = {}
        for place, record in enumerate(records):
            self._produce(place, record, confirmed)
        self._producer.flush(TIMEOUT)
        errors = {place: error for place, error in confirmed.items() if error is not None}
        refused = {n: error.str() for n, error in errors.items() if error.code() in HOPELESS}
        failed = next((one for one in errors.values() if one.code() not in HOPELESS), None)
        if failed is not None or len(confirmed) < len(records):
            self.close()
            raise BrokerUnavailable(failed.name() if failed else "not confirmed in time")
        return refused

    def ping(self) -> None:
        try:
            if self._producer is None:
                self._producer = Producer(self._configuration(), logger=log)
            self._producer.list_topics(timeout=TIMEOUT)
        except KafkaException as error:
            raise BrokerUnavailable(error.args[0].name()) from error

    def subscribe(self, topics: Sequence[str], group: str) -> KafkaConsumer:
        return KafkaConsumer(self._servers, topics, group)

    def close(self) -> None:
        if self._producer is not None:
            self._producer.purge()
            self._producer.flush(0)
            self._producer = None

    def _produce(self, place: int, record: Record, confirmed: dict[int, KafkaError | None]) -> None:
        try:
            self._producer.produce(
                record.topic,
                value=record.body,
                key=record.key,
                headers=dict(record.headers) or None,
                on_delivery=partial(_note, confirmed, place),
            )
        except KafkaException as error:  # refused before it left
            confirmed[place] = error.args[0]
        except BufferError as error:
            self.close()
            raise BrokerUnavailable("the producer's queue is full") from error
        self._producer.poll(0)

    def _configuration(self) -> dict[str, Any]:
        return {
            "bootstrap.servers": self._servers,
            "acks": "all",
            "enable.idempotence": True,
            "partitioner": "murmur2_random",  # the same partitions as Java's clients choose
            "compression.type": "lz4",
            "linger.ms": 5,
            "delivery.timeout.ms": int(TIMEOUT * 1000) - 500,
        }


class KafkaConsumer:
    """A member of a consumer group. Offsets are committed by hand, after the work."""

    def __init__(self, servers: str, topics: Sequence[str], group: str) -> None:
        self._client: Any = KafkaClient(
            {
                "bootstrap.servers": servers,
                "group.id": group,
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "earliest",
                "allow.auto.create.topics": True,
                # How long a member that died keeps its partitions from the others.
                "session.timeout.ms": 6000,
                "heartbeat.interval.ms": 2000,
                # A topic made after the subscription is found within so long.
                "topic.metadata.refresh.interval.ms": 10_000,
                "partition.assignment.strategy": "cooperative-sticky",
            },
            logger=log,
        )
        self._done: dict[tuple[str, int], int] = {}
        self._client.subscribe(list(topics), on_revoke=self._forget, on_lost=self._forget)
        self._make_sure_of([*topics, *map(dead_letter_topic, topics)])

    def poll(self, limit: int, seconds: float) -> list[Received]:
        # `consume` would wait for the whole number; the first one is waited for here instead.
        first = self._client.poll(seconds)
        messages = [first, *self._client.consume(limit - 1, 0)] if first is not None else []
        found = []
        for message in messages:
            error = message.error()
            if error is None:
                self._done[message.topic(), message.partition()] = message.offset() + 1
                found.append(_received(message))
            elif error.code() not in PASSING:
                raise BrokerUnavailable(error.name())
        return found

    def commit(self) -> None:
        if not self._done:
            return
        offsets = [TopicPartition(*where, offset) for where, offset in self._done.items()]
        try:
            results = self._client.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            raise BrokerUnavailable(error.args[0].name()) from error
        failed = next((one.error for one in results if one.error is not None), None)
        if failed is not None:
            raise BrokerUnavailable(failed.name())
        self._done = {}

    def close(self) -> None:
        self._client.close()

    def _forget(self, _: Any, partitions: Sequence[TopicPartition]) -> None:
        """They are another member's now, who gets again what was not committed."""
        for one in partitions:
            self._done.pop((one.topic, one.partition), None)

    def _make_sure_of(self, topics: Sequence[str]) -> None:
        """Asking for a topic makes it, where the cluster allows that; else its owner must."""
        try:
            for topic in topics:
                self._client.list_topics(topic, timeout=TIMEOUT)
        except KafkaException as error:
            self._client.close()
            raise BrokerUnavailable(error.args[0].name()) from error


# Errors after which polling goes on by itself.
PASSING = {
    KafkaError._PARTITION_EOF,
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._TRANSPORT,
    KafkaError._TIMED_OUT,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.LEADER_NOT_AVAILABLE,
}


def _note(
    confirmed: dict[int, KafkaError | None], place: int, error: KafkaError | None, _: Any
) -> None:
    confirmed[place] = error


def _received(message: Any) -> Received:
    headers = {name: (value or b"").decode() for name, value in message.headers() or ()}
    key = message.key() or b""
    return Received(message.topic(), key.decode(), message.value() or b"", headers)


def connect() -> Kafka:
    """The broker of `EVENT_BROKER_TYPE=kafka`."""
    return Kafka(settings.KAFKA_BOOTSTRAP_SERVERS)
