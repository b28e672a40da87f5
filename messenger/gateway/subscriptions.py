"""This process' side of the channel layer: one channel, subscribed to all groups with sockets here.

Every second it publishes a pulse to itself; the layer counts as lost while no pulse arrives.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import structlog
from redis.exceptions import RedisError

from messenger.core.live import Body, Frame, Publisher, shard_groups

log = structlog.get_logger("messenger.hub")
TIMEOUT = 0.5  # seconds that a socket waits for Redis
PULSE = 1.0
LOST_AFTER = 3.0  # seconds without a pulse
CERTAIN_AFTER = 2.0  # seconds after which Redis has surely processed a subscription
RESET_AFTER = 20.0  # seconds without a pulse, after which connections are replaced
LAYER_ERRORS = (RedisError, OSError, TimeoutError, RuntimeError)


class Subscriptions:
    """Subscribes to groups now, or once Redis is back; the hub heals from PostgreSQL meanwhile.

    `receive` is called with each frame of another process, `on_return` when the layer is back;
    `pulse` is in seconds.
    """

    def __init__(
        self,
        layer: Any,
        publisher: Publisher,
        receive: Callable[[Body], None],
        on_return: Callable[[], None],
        pulse: float = PULSE,
    ) -> None:
        self._layer, self._publisher, self._pulse = layer, publisher, pulse
        self._receive, self._on_return = receive, on_return
        self._channel = ""
        self._wanted: set[str] = set()
        self._subscribed: dict[str, float] = {}  # since when
        self._leaving: set[str] = set()
        self._pulses = shard_groups(f"hub.{publisher.origin}")
        self._pulse_at: dict[str, float] = {}
        self._alive = False
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def alive(self) -> bool:
        """Whether frames of other processes arrive here."""
        return self._alive

    def is_certain(self, name: str) -> bool:
        """Whether Redis counts this process among the group's subscribers; called in any thread.

        The layer does not wait for Redis to confirm a subscription: a new one is not certain.
        """
        since = self._subscribed.get(name)
        is_certain = since is not None and time.monotonic() - since > CERTAIN_AFTER
        return is_certain and self._alive and name not in self._leaving

    async def open(self) -> None:
        """Start. Returns when connected, or after a timeout; connecting is then retried."""
        await self._connect()
        self._alive = bool(self._channel)
        self._pulse_at = dict.fromkeys(self._pulses, asyncio.get_running_loop().time())
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._watch())]

    def close(self) -> None:
        """Stop."""
        for task in self._tasks:
            task.cancel()

    async def add(self, name: str) -> None:
        """Subscribe to a group, now or once Redis is back."""
        self._wanted.add(name)
        if self._alive and name not in self._subscribed:
            await self._subscribe(name)

    async def discard(self, name: str) -> None:
        """Unsubscribe from a group."""
        self._wanted.discard(name)
        if self._alive:
            await self._unsubscribe(name)

    async def _listen(self) -> None:
        while True:
            try:
                if not self._channel:
                    await asyncio.sleep(self._pulse)
                    continue
                frame: Body = await self._layer.receive(self._channel)
                if frame["origin"] != self._publisher.origin:
                    self._receive(frame)
                elif frame["control"].get("op") == "pulse":
                    self._pulse_at[frame["group"]] = asyncio.get_running_loop().time()
            except asyncio.CancelledError:
                raise
            except LAYER_ERRORS as error:
                log.warning("layer_unavailable", error=type(error).__name__)
                await asyncio.sleep(self._pulse)
            except Exception:
                log.exception("frame_failed")

    async def _watch(self) -> None:
        """Send pulses and watch for their return; catch up when the layer is back."""
        while True:
            await asyncio.sleep(self._pulse)
            self._publisher.put(
                [Frame(one, control={"op": "pulse"}) for one in self._pulses], local=False
            )
            silent = asyncio.get_running_loop().time() - min(self._pulse_at.values())
            was_alive, self._alive = self._alive, silent < LOST_AFTER
            if not self._alive:
                if was_alive:
                    log.warning("layer_lost")
                if silent > RESET_AFTER:
                    await self._reset()
                await self._connect()
            elif not was_alive:
                log.info("layer_back")
                await self._catch_up()
                self._on_return()
            elif self._wanted != self._subscribed.keys():
                await self._catch_up()

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(TIMEOUT):
                if not self._channel:
                    self._channel = await self._layer.new_channel("hub.")
                for name in self._pulses:
                    await self._layer.group_add(name, self._channel)
        except LAYER_ERRORS as error:
            log.warning("layer_unavailable", error=type(error).__name__)

    async def _catch_up(self) -> None:
        for name in self._wanted - self._subscribed.keys():
            if self._alive:
                await self._subscribe(name)
        for name in self._subscribed.keys() - self._wanted:
            if self._alive:
                await self._unsubscribe(name)

    async def _subscribe(self, name: str) -> None:
        try:
            async with asyncio.timeout(TIMEOUT):
                await self._layer.group_add(name, self._channel)
            self._subscribed[name] = time.monotonic()
        except LAYER_ERRORS as error:
            log.warning("subscribe_failed", error=type(error).__name__)

    async def _unsubscribe(self, name: str) -> None:
        self._leaving.add(name)
        try:
            async with asyncio.timeout(TIMEOUT):
                await self._layer.group_discard(name, self._channel)
            self._subscribed.pop(name, None)
        except LAYER_ERRORS as error:
            log.warning("unsubscribe_failed", error=type(error).__name__)
        finally:
            self._leaving.discard(name)
        if name in self._wanted and name not in self._subscribed:  # wanted again meanwhile
            await self._subscribe(name)

    async def _reset(self) -> None:
        """Replace the connections: they may be dead without an error."""
        listening = self._tasks[0]
        listening.cancel()
        try:
            async with asyncio.timeout(TIMEOUT):
                await self._layer.flush()
        except LAYER_ERRORS as error:
            log.warning("reset_failed", error=type(error).__name__)
        self._channel = ""
        self._subscribed.clear()
        lost_at = asyncio.get_running_loop().time() - LOST_AFTER
        self._pulse_at = dict.fromkeys(self._pulses, lost_at)
        self._tasks[0] = asyncio.create_task(self._listen())
