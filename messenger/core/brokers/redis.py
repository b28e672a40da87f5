"""Redis streams: one stream per topic, capped, with consumer groups.

A stream is as durable as its Redis and keeps about `EVENT_STREAM_LENGTH` entries. Sites that need
more use Kafka or RabbitMQ.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

from messenger.core.brokers.protocol import (
    BrokerUnavailable,
    Received,
    Record,
)

TIMEOUT = 5.0  # seconds
# How long another member must be inactive before its uncommitted entries are taken over.
ABANDONED_MS = 60_000
KEY, BODY = b"key", b"body"


class RedisStreams:
    """The broker on one Redis server; contracts as in `protocol.Broker`."""

    def __init__(self, url: str) -> None:
        self._client = redis.Redis.from_url(
            url,
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            # One retry, for a pooled connection that was lost while idle; none after a timeout.
            retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
        )

    def publish(self, records: Sequence[Record]) -> dict[int, str]:
        pipeline = self._client.pipeline(transaction=False)
        length = settings.EVENT_STREAM_LENGTH
        for record in records:
            fields: Any = {KEY: record.key, BODY: record.body, **record.headers}
            pipeline.xadd(record.topic, fields, maxlen=length, approximate=True)
        try:
            pipeline.execute()
        except RedisError as error:
            raise BrokerUnavailable(type(error).__name__) from error
        return {}

    def ping(self) -> None:
        try:
            self._client.ping()
        except RedisError as error:
            raise BrokerUnavailable(type(error).__name__) from error

    def subscribe(self, topics: Sequence[str], group: str) -> StreamConsumer:
        return StreamConsumer(self._client, topics, group, socket.gethostname())

    def close(self) -> None:
        self._client.close()


class StreamConsumer:
    """A member of a consumer group, named after its host so that it resumes after a restart.

    Contracts as in `protocol.Consumer`.
    """

    def __init__(self, client: redis.Redis, topics: Sequence[str], group: str, member: str) -> None:
        self._client, self._topics, self._group, self._member = client, topics, group, member
        self._uncommitted: list[tuple[str, bytes]] = []
        # Entries that this member did not commit before a restart come first.
        self._cursor = dict.fromkeys(topics, "0")
        self._next_look = 0.0
        self._make_groups()

    def poll(self, limit: int, seconds: float) -> list[Received]:
        try:
            return self._poll(limit, seconds)
        except RedisError as error:
            # Entries of a lost answer are uncommitted entries of this member.
            self._cursor = dict.fromkeys(self._topics, "0")
            if str(error).startswith("NOGROUP"):  # Redis restarted without its data
                self._make_groups()
                return []
            raise BrokerUnavailable(type(error).__name__) from error

    def commit(self) -> None:
        pipeline = self._client.pipeline(transaction=False)
        for topic, entry in self._uncommitted:
            pipeline.xack(topic, self._group, entry)
        try:
            pipeline.execute()
        except RedisError as error:
            raise BrokerUnavailable(type(error).__name__) from error
        self._uncommitted = []

    def close(self) -> None:
        """Do nothing: the broker owns the connections."""

    def _make_groups(self) -> None:
        for topic in self._topics:
            try:
                self._client.xgroup_create(topic, self._group, id="0", mkstream=True)
            except ResponseError as error:
                if not str(error).startswith("BUSYGROUP"):
                    raise BrokerUnavailable(type(error).__name__) from error
            except RedisError as error:
                raise BrokerUnavailable(type(error).__name__) from error

    def _poll(self, limit: int, seconds: float) -> list[Received]:
        earlier = {topic: at for topic, at in self._cursor.items() if at != ">"}
        if earlier:
            return self._read(earlier, limit, None)
        if time.monotonic() > self._next_look:
            self._next_look = time.monotonic() + ABANDONED_MS / 1000
            for topic in self._topics:
                if self._take_over(topic, limit):
                    # They belong to this member now and are read with its own uncommitted ones.
                    self._cursor[topic] = "0"
                    return []
        # Redis must answer before the timeout of the socket.
        return self._read(dict(self._cursor), limit, int(min(seconds, TIMEOUT - 1) * 1000) or None)

    def _read(self, at: dict[Any, Any], limit: int, block: int | None) -> list[Received]:
        answer: Any = self._client.xreadgroup(
            self._group, self._member, at, count=limit, block=block
        )
        found: list[tuple[tuple[int, ...], Received]] = []
        for stream, entries in _pairs(answer):
            topic = stream.decode()
            if self._cursor[topic] != ">":
                self._cursor[topic] = entries[-1][0].decode() if entries else ">"
            for entry, fields in entries:
                self._uncommitted.append((topic, entry))
                if fields:  # else the entry was trimmed from the stream before its commit
                    at_time = tuple(int(part) for part in entry.split(b"-"))
                    found.append((at_time, _received(topic, dict(fields))))
        # Entry ids are times, which orders entries of different topics.
        found.sort(key=itemgetter(0))
        return [received for _, received in found]

    def _take_over(self, topic: str, limit: int) -> bool:
        answer: Any = self._client.xautoclaim(
            topic, self._group, self._member, ABANDONED_MS, count=limit
        )
        return bool(answer[1])


def _pairs(answer: Any) -> list[tuple[bytes, list[tuple[bytes, Any]]]]:
    return list(answer.items()) if isinstance(answer, dict) else list(answer or [])


def _received(topic: str, fields: dict[bytes, bytes]) -> Received:
    key, body = fields.pop(KEY, b"").decode(), fields.pop(BODY, b"")
    headers = {name.decode(): value.decode() for name, value in fields.items()}
    return Received(topic, key, body, headers)


def connect() -> RedisStreams:
    """The broker of `EVENT_BROKER_TYPE=redis`."""
    return RedisStreams(settings.EVENT_REDIS_URL)
