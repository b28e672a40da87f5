"""The live door's outside: publish to a group after the commit, best effort.

Frames go to the channel layer's own Redis channels in its own encoding, from one publisher
thread per process: a pipeline of PUBLISH costs a fraction of the layer's coroutine per message,
works where there is no event loop (WSGI, Celery), and no caller ever waits for Redis. Messages that
nobody else listens to are not published: reading one's own frames back was a fifth of a busy
process' work. What is lost on the way is healed from PostgreSQL by the hub, so losing is allowed.
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
PRESENCE_GROUP = "presence"  # heard by every process that has sockets


@dataclass(frozen=True, slots=True)
class Frame:
    """Ready text for every socket in `group`.

    `seq` and `rev` place it in its chat's order, so that the hub notices gaps; `members_rev` is
    the chat's count of changes of who takes part, so that the hub notices that it missed one;
    `skip` is the connection that gets an ack instead; `hidden_from` are people in the group who may
    not see it; `control` is for the hub itself and reaches no client.
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
    """The group of everybody who takes part in a chat."""
    return f"chat.{chat_id}"


def user_group(user_id: UUID | str) -> str:
    """The group of all connections of one user."""
    return f"user.{user_id}"


def push(frames: Iterable[Frame]) -> None:
    """Publish `frames` once the current transaction has committed; nothing on a rollback."""
    ready = list(frames)
    if ready:
        transaction.on_commit(partial(publisher.put, ready), robust=True)


Body = dict[str, Any]  # a `Frame` as it travels, with the process it comes from


class Ear(Protocol):
    """A hub of this process."""

    def hear(self, frames: list[Body]) -> None:
        """Take what is published here; called in the publishing thread."""

    def holds(self, group: str) -> bool:
        """Whether one of the group's subscribers is certainly this hub."""


class Publisher:
    """One daemon thread that drains a bounded queue into pipelines.

    This process' own hub does not wait for Redis: it hears from `put` directly.
    """

    def __init__(self) -> None:
        self._queue: Queue[list[Body]] = Queue(maxsize=QUEUE_LIMIT)
        self._lock = threading.Lock()
        self._pid = 0
        self._breaker = Breaker(pause=1.0)
        self.hubs: list[Ear] = []
        self.origin = uuid4().hex

    def hear(self, hub: Ear) -> None:
        """Tell `hub`, in the thread of whoever publishes, all that is published here."""
        if hub not in self.hubs:
            self.hubs.append(hub)

    def unhear(self, hub: Ear) -> None:
        """Tell `hub` no longer."""
        self.hubs.remove(hub)

    def put(self, frames: list[Frame], *, aloud: bool = True) -> None:
        """Hand over; drops (the hubs heal) when Redis has been away for long.

        What is not `aloud` reaches this process only through Redis.
        """
        bodies = [self._body(frame) for frame in frames]
        for hub in self.hubs if aloud else ():
            hub.hear(bodies)
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
                self._publish(bodies)

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
        layer, heard = get_channel_layer(), self._heard_by_others(redis, items)
        pipeline = redis.pipeline(transaction=False)
        for channel, body in items:
            # What has no place in its chat's order is healed by nobody: it goes out in any case.
            if channel in heard or not (body["seq"] or body["rev"]):
                pipeline.publish(channel, layer.serialize(body))
        pipeline.execute()

    def _heard_by_others(self, redis: Redis, items: list[tuple[str, Body]]) -> set[str]:
        """The channels with more subscribers than this process' own hubs.

        Who subscribes afterwards reads where the chat stands after that: nothing falls between.
        """
        groups = {channel: body["group"] for channel, body in items}
        before = self._own(groups)
        try:
            answer: Any = redis.pubsub_numsub(*groups)
        except ResponseError:  # a Redis that does not tell
            return set(groups)
        after = self._own(groups)
        subscribers = zip(groups, (number for _, number in answer), strict=True)
        return {one for one, number in subscribers if number > min(before[one], after[one])}

    def _own(self, groups: Mapping[str, str]) -> dict[str, int]:
        return {one: sum(hub.holds(group) for hub in self.hubs) for one, group in groups.items()}


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
