"""This process' side of the channel layer: one channel, subscribed to the groups heard here.

Whether the layer still works is not asked but heard: a pulse goes out to oneself every second.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import structlog
from channels.layers import get_channel_layer
from redis.exceptions import RedisError

from messenger.core.live import Body, Frame, publisher, shard_groups

log = structlog.get_logger("messenger.hub")
PATIENCE = 0.5  # seconds that a socket waits for a Redis that does not answer
PULSE = 1.0
LOST_AFTER = 3.0  # seconds without a pulse
CERTAIN_AFTER = 2.0  # seconds since a group was subscribed to
RESET_AFTER = 20.0  # seconds without a pulse although one tries
LAYER_ERRORS = (RedisError, OSError, TimeoutError, RuntimeError)


class Subscriptions:
    """What cannot be subscribed while Redis is away is subscribed once it is back; the hub heals
    from PostgreSQL meanwhile."""

    def __init__(self, receive: Callable[[Body], None], returned: Callable[[], None]) -> None:
        self._receive, self._returned = receive, returned
        self._channel = ""
        self._wanted: set[str] = set()
        self._held: dict[str, float] = {}  # since when
        self._leaving: set[str] = set()
        self._pulses = shard_groups(f"hub.{publisher.origin}")
        self._heard_at: dict[str, float] = {}
        self._alive = False
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def alive(self) -> bool:
        """Whether what other processes publish arrives here."""
        return self._alive

    def holds(self, name: str) -> bool:
        """Whether this process counts among the group's subscribers; called in any thread.

        The layer does not wait for Redis to confirm a subscription: a young one is not certain.
        """
        since = self._held.get(name)
        is_certain = since is not None and time.monotonic() - since > CERTAIN_AFTER
        return is_certain and self._alive and name not in self._leaving

    async def open(self) -> None:
        """Begin; returns once subscribed, or after a moment: it goes on trying."""
        await self._connect()
        self._alive = bool(self._channel)
        self._heard_at = dict.fromkeys(self._pulses, asyncio.get_running_loop().time())
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._keep())]

    def close(self) -> None:
        """End both tasks."""
        for task in self._tasks:
            task.cancel()

    async def add(self, name: str) -> None:
        """Hear a group from now on, or once Redis is back."""
        self._wanted.add(name)
        if self._alive and name not in self._held:
            await self._subscribe(name)

    async def discard(self, name: str) -> None:
        """Hear a group no longer."""
        self._wanted.discard(name)
        if self._alive:
            await self._unsubscribe(name)

    async def _listen(self) -> None:
        while True:
            try:
                if not self._channel:
                    await asyncio.sleep(PULSE)
                    continue
                frame: Body = await get_channel_layer().receive(self._channel)
                if frame["origin"] != publisher.origin:
                    self._receive(frame)
                elif frame["control"].get("op") == "pulse":
                    self._heard_at[frame["group"]] = asyncio.get_running_loop().time()
            except asyncio.CancelledError:
                raise
            except LAYER_ERRORS as error:
                log.warning("layer_unavailable", error=type(error).__name__)
                await asyncio.sleep(PULSE)
            except Exception:
                log.exception("frame_failed")

    async def _keep(self) -> None:
        """Feel the pulse, without end; make good what was missed when it comes back."""
        while True:
            await asyncio.sleep(PULSE)
            publisher.put(
                [Frame(one, control={"op": "pulse"}) for one in self._pulses], aloud=False
            )
            silent = asyncio.get_running_loop().time() - min(self._heard_at.values())
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
                self._returned()
            elif self._wanted != self._held.keys():
                await self._catch_up()

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                if not self._channel:
                    self._channel = await get_channel_layer().new_channel("hub.")
                for name in self._pulses:
                    await get_channel_layer().group_add(name, self._channel)
        except LAYER_ERRORS as error:
            log.warning("layer_unavailable", error=type(error).__name__)

    async def _catch_up(self) -> None:
        for name in self._wanted - self._held.keys():
            if self._alive:
                await self._subscribe(name)
        for name in self._held.keys() - self._wanted:
            if self._alive:
                await self._unsubscribe(name)

    async def _subscribe(self, name: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await get_channel_layer().group_add(name, self._channel)
            self._held[name] = time.monotonic()
        except LAYER_ERRORS as error:
            log.warning("subscribe_failed", error=type(error).__name__)

    async def _unsubscribe(self, name: str) -> None:
        self._leaving.add(name)
        try:
            async with asyncio.timeout(PATIENCE):
                await get_channel_layer().group_discard(name, self._channel)
            self._held.pop(name, None)
        except LAYER_ERRORS as error:
            log.warning("unsubscribe_failed", error=type(error).__name__)
        finally:
            self._leaving.discard(name)
        if name in self._wanted and name not in self._held:  # somebody came meanwhile
            await self._subscribe(name)

    async def _reset(self) -> None:
        """Begin anew with other connections: these may be dead without saying so."""
        listening = self._tasks[0]
        listening.cancel()
        try:
            async with asyncio.timeout(PATIENCE):
                await get_channel_layer().flush()
        except LAYER_ERRORS as error:
            log.warning("reset_failed", error=type(error).__name__)
        self._channel = ""
        self._held.clear()
        lost_at = asyncio.get_running_loop().time() - LOST_AFTER
        self._heard_at = dict.fromkeys(self._pulses, lost_at)
        self._tasks[0] = asyncio.create_task(self._listen())
