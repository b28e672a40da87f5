"""RabbitMQ: one durable topic exchange, the topic as the routing key, publisher confirms.

RabbitMQ confirms and drops an event without a bound queue. Consumers must first declare a durable
queue and bind it to the exchange; a queue declared here without consumers would fill up the broker.

A group is one durable queue with a single active consumer, which keeps the order; other members
stand by. Its type is the default of the virtual host: set that to `quorum` on a cluster.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from amqp.exceptions import AMQPError
from django.conf import settings
from kombu import Connection
from kombu.exceptions import KombuError

from messenger.core.brokers.protocol import (
    DEAD,
    BrokerUnavailable,
    Received,
    Record,
    dead_letter_topic,
)

EXCHANGE = "lumin"
TIMEOUT = 5.0  # seconds
PREFETCH = 500
MAX_SIZE = 16 * 1024 * 1024  # bytes; RabbitMQ closes the channel for larger messages
KEY = "key"
PERSISTENT = 2
UNAVAILABLE = (AMQPError, KombuError, OSError)


class RabbitMQ:
    """The broker at one URL; contracts as in `protocol.Broker`.

    Connects on demand and again after a lost connection.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Any = None
        self._channel: Any = None
        self._published = 0
        self._unconfirmed: set[int] = set()
        self._was_nacked = False

    def publish(self, records: Sequence[Record]) -> dict[int, str]:
        is_fresh = self._channel is None
        try:
            return self._publish(records)
        except UNAVAILABLE as error:
            self.close()
            if is_fresh or isinstance(error, TimeoutError):
                raise BrokerUnavailable(type(error).__name__) from error
        # The broker may have restarted: retry once on a new connection.
        return self.publish(records)

    def ping(self) -> None:
        try:
            self._open()
            self._channel.exchange_declare(EXCHANGE, "topic", passive=True)
        except UNAVAILABLE as error:
            self.close()
            raise BrokerUnavailable(type(error).__name__) from error

    def subscribe(self, topics: Sequence[str], group: str) -> QueueConsumer:
        try:
            return QueueConsumer(_connect(self._url), topics, group)
        except UNAVAILABLE as error:
            raise BrokerUnavailable(type(error).__name__) from error

    def close(self) -> None:
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            connection.collect(socket_timeout=1)

    def _open(self) -> None:
        if self._channel is not None:
            return
        self._connection = _connect(self._url)
        channel = self._connection.channel()
        channel.exchange_declare(EXCHANGE, "topic", durable=True, auto_delete=False)
        channel.confirm_select()
        channel.events["basic_ack"].add(self._acked)
        channel.events["basic_nack"].add(self._nacked)
        self._published, self._unconfirmed = 0, set()
        self._channel = channel

    def _publish(self, records: Sequence[Record]) -> dict[int, str]:
        self._open()
        self._was_nacked = False
        refused = {}
        for place, record in enumerate(records):
            if len(record.body) > MAX_SIZE:
                refused[place] = "larger than RabbitMQ takes"
                continue
            self._published += 1
            self._unconfirmed.add(self._published)
            self._channel.basic_publish(
                _message(self._channel, record), exchange=EXCHANGE, routing_key=record.topic
            )
        until = time.monotonic() + TIMEOUT
        while self._unconfirmed:
            # Raises TimeoutError, an OSError: unconfirmed records count as not accepted.
            self._connection.drain_events(timeout=max(0.001, until - time.monotonic()))
        if self._was_nacked:
            raise OSError("not taken")
        return refused

    def _acked(self, tag: int, multiple: bool) -> None:
        if multiple:
            self._unconfirmed = {one for one in self._unconfirmed if one > tag}
        else:
            self._unconfirmed.discard(tag)

    def _nacked(self, tag: int, multiple: bool) -> None:
        self._was_nacked = True
        self._acked(tag, multiple)


class QueueConsumer:
    """The active consumer of its group's queue, or one on standby; see `protocol.Consumer`."""

    def __init__(self, connection: Any, topics: Sequence[str], group: str) -> None:
        self._connection = connection
        self._channel = connection.channel()
        self._channel.exchange_declare(EXCHANGE, "topic", durable=True, auto_delete=False)
        self._bind(group, topics)
        self._bind(group + DEAD, [dead_letter_topic(topic) for topic in topics])
        self._channel.basic_qos(0, PREFETCH, False)
        self._waiting: list[Any] = []
        self._last_tag = 0
        self._channel.basic_consume(group, callback=self._waiting.append)

    def poll(self, limit: int, seconds: float) -> list[Received]:
        try:
            self._gather(limit, seconds)
        except UNAVAILABLE as error:
            raise BrokerUnavailable(type(error).__name__) from error
        taken, self._waiting[:limit] = self._waiting[:limit], []
        if taken:
            self._last_tag = taken[-1].delivery_tag
        return [_received(message) for message in taken]

    def commit(self) -> None:
        if not self._last_tag:
            return
        try:
            self._channel.basic_ack(self._last_tag, multiple=True)
        except UNAVAILABLE as error:
            raise BrokerUnavailable(type(error).__name__) from error
        self._last_tag = 0

    def close(self) -> None:
        self._connection.collect(socket_timeout=1)

    def _gather(self, limit: int, seconds: float) -> None:
        """Wait for the first record, then take those that arrived with it."""
        patience = seconds
        while len(self._waiting) < limit:
            try:
                self._connection.drain_events(timeout=max(0.001, patience))
            except TimeoutError:
                return
            patience = 0.0

    def _bind(self, queue: str, topics: Sequence[str]) -> None:
        self._channel.queue_declare(
            queue,
            durable=True,
            auto_delete=False,
            arguments={"x-single-active-consumer": True},
        )
        for topic in topics:
            self._channel.queue_bind(queue, EXCHANGE, topic)


def _connect(url: str) -> Any:
    connection: Any = Connection(  # type: ignore[no-untyped-call]
        url,
        connect_timeout=TIMEOUT,
        transport_options={"read_timeout": TIMEOUT, "write_timeout": TIMEOUT},
    )
    connection.ensure_connection(max_retries=0, reraise_as_library_errors=False)
    return connection


def _message(channel: Any, record: Record) -> Any:
    return channel.prepare_message(
        record.body,
        content_type="application/json",
        content_encoding="utf-8",
        headers={**record.headers, KEY: record.key},
        properties={"delivery_mode": PERSISTENT},
    )


def _received(message: Any) -> Received:
    headers = {name: str(value) for name, value in (message.headers or {}).items()}
    body = message.body
    return Received(
        message.delivery_info["routing_key"],
        headers.pop(KEY, ""),
        body.encode() if isinstance(body, str) else bytes(body),
        headers,
    )


def connect() -> RabbitMQ:
    """The broker of `EVENT_BROKER_TYPE=rabbitmq`."""
    return RabbitMQ(settings.RABBITMQ_URL)
