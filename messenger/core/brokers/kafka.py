"""Kafka: the aggregate's id is the key; all in-sync replicas confirm a record.

The producer is idempotent: records that librdkafka retries arrive once and in order. After a
failure the producer and its pending records are discarded, so no old record follows a newer one.
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
# Errors that a retry cannot change: such a record is refused.
PERMANENT = {KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_MSG, KafkaError.INVALID_RECORD}


class Kafka:
    """The broker on one Kafka cluster; the methods' contracts are those of `protocol.Broker`."""

    def __init__(self, servers: str) -> None:
        self._servers = servers
        self._producer: Any = None

    def publish(self, records: Sequence[Record]) -> dict[int, str]:
        if self._producer is None:
            self._producer = Producer(self._configuration(), logger=log)
        confirmed: dict[int, KafkaError | None] = {}
        for index, record in enumerate(records):
            self._produce(index, record, confirmed)
        self._producer.flush(TIMEOUT)
        errors = {index: error for index, error in confirmed.items() if error is not None}
        refused = {n: error.str() for n, error in errors.items() if error.code() in PERMANENT}
        failed = next((one for one in errors.values() if one.code() not in PERMANENT), None)
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

    def _produce(self, index: int, record: Record, confirmed: dict[int, KafkaError | None]) -> None:
        try:
            self._producer.produce(
                record.topic,
                value=record.body,
                key=record.key,
                headers=dict(record.headers) or None,
                on_delivery=partial(_note, confirmed, index),
            )
        except KafkaException as error:  # refused by the client
            confirmed[index] = error.args[0]
        except BufferError as error:
            self.close()
            raise BrokerUnavailable("the producer's queue is full") from error
        self._producer.poll(0)

    def _configuration(self) -> dict[str, Any]:
        return {
            "bootstrap.servers": self._servers,
            "acks": "all",
            "enable.idempotence": True,
            "partitioner": "murmur2_random",  # the partitioner of Java clients
            "compression.type": "lz4",
            "linger.ms": 5,
            "delivery.timeout.ms": int(TIMEOUT * 1000) - 500,
        }


class KafkaConsumer:
    """A member of a consumer group; contracts as in `protocol.Consumer`.

    Offsets are committed by `commit` only.
    """

    def __init__(self, servers: str, topics: Sequence[str], group: str) -> None:
        self._client: Any = KafkaClient(
            {
                "bootstrap.servers": servers,
                "group.id": group,
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "earliest",
                "allow.auto.create.topics": True,
                # How long a dead member keeps its partitions.
                "session.timeout.ms": 6000,
                "heartbeat.interval.ms": 2000,
                # How long it takes to notice a topic that was created after the subscription.
                "topic.metadata.refresh.interval.ms": 10_000,
                "partition.assignment.strategy": "cooperative-sticky",
            },
            logger=log,
        )
        self._done: dict[tuple[str, int], int] = {}
        self._client.subscribe(list(topics), on_revoke=self._forget, on_lost=self._forget)
        self._ensure_topics([*topics, *map(dead_letter_topic, topics)])

    def poll(self, limit: int, seconds: float) -> list[Received]:
        # `consume` would wait for `limit` records; wait for the first one only.
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
        """Forget the positions of revoked partitions: their new member gets uncommitted records."""
        for one in partitions:
            self._done.pop((one.topic, one.partition), None)

    def _ensure_topics(self, topics: Sequence[str]) -> None:
        """Create missing topics by asking for them, where the cluster allows that."""
        try:
            for topic in topics:
                self._client.list_topics(topic, timeout=TIMEOUT)
        except KafkaException as error:
            self._client.close()
            raise BrokerUnavailable(error.args[0].name()) from error


# Errors from which the client recovers by itself.
PASSING = {
    KafkaError._PARTITION_EOF,
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._TRANSPORT,
    KafkaError._TIMED_OUT,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.LEADER_NOT_AVAILABLE,
}


def _note(
    confirmed: dict[int, KafkaError | None], index: int, error: KafkaError | None, _: Any
) -> None:
    confirmed[index] = error


def _received(message: Any) -> Received:
    headers = {name: (value or b"").decode() for name, value in message.headers() or ()}
    key = message.key() or b""
    return Received(message.topic(), key.decode(), message.value() or b"", headers)


def connect() -> Kafka:
    """The broker of `EVENT_BROKER_TYPE=kafka`."""
    return Kafka(settings.KAFKA_BOOTSTRAP_SERVERS)
