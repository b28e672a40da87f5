"""Live frames: published to a group after the commit, best effort.

Frames go to the channel layer's own Redis channels in its own encoding, from one publisher
thread per process: a pipeline of PUBLISH costs a fraction of the layer's coroutine per message,
works without an event loop (WSGI, Celery), and no caller ever waits for Redis. Frames without
subscribers in other processes are not published: reading its own frames back was a fifth of a busy
process' work. Frames may be lost: the hub heals them from PostgreSQL.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from queue import Empty, Full, Queue
from typing import Any, Protocol
from uuid import UUID, uuid4

import structlog
from channels.layers import get_channel_layer
from channels_redis.utils import _consistent_hash
from django.conf import settings
from django.db import transaction
from redis import Redis
from redis.exceptions import RedisError, ResponseError

from messenger.core.redis import Breaker, client

log = structlog.get_logger("messenger.live")
QUEUE_LIMIT = 20_000
PIPELINE_LIMIT = 256
PRESENCE_GROUP = "presence"  # every process with sockets subscribes to it


@dataclass(frozen=True, slots=True)
class Frame:
    """Encoded text for every socket in `group`.

    `seq` and `rev` are its position in its chat's order, by which the hub detects gaps.
    `members_rev` is the chat's number of membership changes, by which the hub detects that it
    missed one. `skip` is the connection that gets an ack instead. `hidden_from` are users of the
    group who may not see it. `control` is for the hubs and is not sent to clients.
    """

    group: str
    text: str = ""
    seq: int = 0
    rev: int = 0
    members_rev: int = 0
    skip: str = ""
    hidden_from: tuple[str, ...] = ()
    control: dict[str, Any] = field(default_factory=dict)


def chat_group(chat_id: UUID | str) -> str:
    """The group of a chat's participants."""
    return f"chat.{chat_id}"


def user_group(user_id: UUID | str) -> str:
    """The group of all connections of one user."""
    return f"user.{user_id}"


def push(frames: Iterable[Frame]) -> None:
    """Publish `frames` once the current transaction has committed; nothing on a rollback."""
    ready = list(frames)
    if ready:
        transaction.on_commit(partial(publisher.put, ready), robust=True)


Body = dict[str, Any]  # a `Frame` as it is published, with `origin`, the publishing process


class LocalSubscriber(Protocol):
    """A hub of this process, which receives frames without Redis."""

    def deliver(self, frames: list[Body]) -> None:
        """Receive frames that this process publishes; called in the publishing thread."""

    def is_subscribed(self, group: str) -> bool:
        """Whether Redis certainly counts this hub among the group's subscribers."""


class Publisher:
    """One daemon thread that drains a bounded queue into pipelines.

    Local subscribers get the frames directly from `put`, before Redis does.
    """

    def __init__(self) -> None:
        self._queue: Queue[list[Body]] = Queue(maxsize=QUEUE_LIMIT)
        self._lock = threading.Lock()
        self._pid = 0
        self._breaker = Breaker(pause=1.0)
        self.subscribers: list[LocalSubscriber] = []
        self.origin = uuid4().hex

    def subscribe(self, hub: LocalSubscriber) -> None:
        """Deliver frames published by this process to `hub` as well, in the publishing thread."""
        if hub not in self.subscribers:
            self.subscribers.append(hub)

    def unsubscribe(self, hub: LocalSubscriber) -> None:
        """Stop delivering to `hub`. Raises `ValueError` if it is not subscribed."""
        self.subscribers.remove(hub)

    def put(self, frames: list[Frame], *, local: bool = True) -> None:
        """Queue frames for Redis; never blocks. Drops them when the queue is full.

        With `local=False` the local subscribers get them only through Redis.
        """
        bodies = [self._body(frame) for frame in frames]
        for hub in self.subscribers if local else ():
            hub.deliver(bodies)
        if self._pid != os.getpid():
            self._start()
        try:
            self._queue.put_nowait(bodies)
        except Full:
            log.warning("live_queue_full", dropped=len(frames))

    def _body(self, frame: Frame) -> Body:
        return {
            "group": frame.group,
            "text": frame.text,
            "seq": frame.seq,
            "rev": frame.rev,
            "members_rev": frame.members_rev,
            "skip": frame.skip,
            "hidden_from": frame.hidden_from,
            "control": frame.control,
            "origin": self.origin,
        }

    def _start(self) -> None:
        with self._lock:
            if self._pid != os.getpid():  # also after a fork: threads do not survive it
                self._queue = Queue(maxsize=QUEUE_LIMIT)
                threading.Thread(target=self._run, name="live-publisher", daemon=True).start()
                self._pid = os.getpid()

    def _run(self) -> None:
        while True:
            bodies = self._queue.get()
            while len(bodies) < PIPELINE_LIMIT:
                try:
                    bodies = bodies + self._queue.get_nowait()
                except Empty:
                    break
            if self._breaker.closed:
                try:
                    self._publish(bodies)
                except Exception:  # the thread must go on; the hubs heal what is lost
                    log.exception("live_publish_failed", frames=len(bodies))

    def _publish(self, bodies: list[Body]) -> None:
        config: Any = settings.CHANNEL_LAYERS["default"]["CONFIG"]
        hosts, prefix = config["hosts"], config["prefix"]
        shards: dict[int, list[tuple[str, Body]]] = {}
        for body in bodies:
            channel = f"{prefix}__group__{body['group']}"
            shard = _consistent_hash(channel, len(hosts))
            shards.setdefault(shard, []).append((channel, body))
        for number, items in shards.items():
            try:
                self._publish_to(client(hosts[number]["address"]), items)
                self._breaker.succeeded()
            except RedisError as error:
                self._breaker.failed()
                log.debug("live_publish_failed", frames=len(items), error=type(error).__name__)

    def _publish_to(self, redis: Redis, items: list[tuple[str, Body]]) -> None:
        layer, wanted = get_channel_layer(), self._wanted_by_others(redis, items)
        pipeline = redis.pipeline(transaction=False)
        for channel, body in items:
            # Frames without seq or rev cannot be healed, so they are always published.
            if channel in wanted or not (body["seq"] or body["rev"]):
                pipeline.publish(channel, layer.serialize(body))
        pipeline.execute()

    def _wanted_by_others(self, redis: Redis, items: list[tuple[str, Body]]) -> set[str]:
        """The channels with more subscribers than this process' own hubs.

        A process that subscribes later reads the chat's position after subscribing, so it misses
        no frame.
        """
        groups = {channel: body["group"] for channel, body in items}
        before = self._own_subscriptions(groups)
        try:
            answer: Any = redis.pubsub_numsub(*groups)
        except ResponseError:  # a Redis without PUBSUB NUMSUB
            return set(groups)
        after = self._own_subscriptions(groups)
        subscribers = zip(groups, (number for _, number in answer), strict=True)
        return {one for one, number in subscribers if number > min(before[one], after[one])}

    def _own_subscriptions(self, groups: Mapping[str, str]) -> dict[str, int]:
        return {
            channel: sum(hub.is_subscribed(group) for hub in self.subscribers)
            for channel, group in groups.items()
        }


def shard_groups(prefix: str) -> list[str]:
    """Names of groups that begin with `prefix`, one on each Redis of the channel layer."""
    config: Any = settings.CHANNEL_LAYERS["default"]["CONFIG"]
    found: dict[int, str] = {}
    for number in count():
        if len(found) == len(config["hosts"]):
            break
        name = f"{prefix}.{number}"
        shard = _consistent_hash(f"{config['prefix']}__group__{name}", len(config["hosts"]))
        found.setdefault(shard, name)
    return list(found.values())


publisher = Publisher()
