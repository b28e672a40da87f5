"""This process' side of the channel layer: one channel, subscribed to the groups heard here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import structlog
from channels.layers import get_channel_layer
from redis.exceptions import RedisError

log = structlog.get_logger("messenger.hub")
PATIENCE = 0.5  # seconds that the first socket waits for a Redis that does not answer
RETRY_INTERVAL = 5.0
LAYER_ERRORS = (RedisError, OSError, TimeoutError)


class Subscriptions:
    """What cannot be subscribed while Redis is away is tried again until it can; healing delivers
    meanwhile."""

    def __init__(self) -> None:
        self._channel = ""
        self._wanting: set[str] = set()

    async def open(self) -> None:
        """Get a channel, unless Redis takes longer than a moment; `listen` goes on trying."""
        if not self._channel:
            try:
                async with asyncio.timeout(PATIENCE):
                    self._channel = await get_channel_layer().new_channel("hub.")
            except LAYER_ERRORS as error:
                log.warning("layer_unavailable", error=type(error).__name__)

    async def add(self, name: str) -> None:
        """Hear a group from now on, or once Redis is back."""
        self._wanting.add(name)
        if not self._channel:
            return
        try:
            await get_channel_layer().group_add(name, self._channel)
            self._wanting.discard(name)
        except LAYER_ERRORS as error:
            log.warning("subscribe_failed", error=type(error).__name__)

    async def discard(self, name: str) -> None:
        """Hear a group no longer."""
        self._wanting.discard(name)
        try:
            await get_channel_layer().group_discard(name, self._channel)
        except LAYER_ERRORS as error:
            log.warning("unsubscribe_failed", error=type(error).__name__)

    async def listen(self, receive: Callable[[dict[str, Any]], None]) -> None:
        """Hand what arrives to `receive`, without end."""
        while True:
            try:
                if not self._channel:
                    self._channel = await get_channel_layer().new_channel("hub.")
                receive(await get_channel_layer().receive(self._channel))
            except asyncio.CancelledError:
                raise
            except LAYER_ERRORS as error:
                log.warning("layer_unavailable", error=type(error).__name__)
                await asyncio.sleep(1)
            except Exception:
                log.exception("listen_failed")
                await asyncio.sleep(1)

    async def keep(self) -> None:
        """Try again what could not be subscribed, without end."""
        while True:
            await asyncio.sleep(RETRY_INTERVAL)
            for name in list(self._wanting):
                if name in self._wanting:
                    await self.add(name)
