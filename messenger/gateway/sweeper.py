"""The sweeper: compares this process' groups with PostgreSQL and repairs what was lost.

Lost are publishes to chats, changes of membership, and revocations of login sessions. It sweeps
every five seconds, and every second while the channel layer is down; revoked sessions are read
every second.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from uuid import UUID

import structlog

from messenger.gateway import healing
from messenger.gateway.connection import RESYNC
from messenger.gateway.gaps import heal_soon
from messenger.gateway.local_groups import LocalGroups
from messenger.gateway.threads import in_thread

log = structlog.get_logger("messenger.hub")
TICK = 1.0
TICKS_PER_SWEEP = 5
SPREAD = 2.0  # seconds over which `resync` is sent to all sockets


class Sweeper:
    """One per hub. `is_alive` says whether the channel layer delivers."""

    def __init__(self, local: LocalGroups, is_alive: Callable[[], bool]) -> None:
        self._local, self._is_alive = local, is_alive
        self._memberships = healing.Memberships()
        self._due = False

    async def run(self) -> None:
        """Sweep until cancelled. A sweep that fails is logged, and the next one tries again."""
        ticks = 0
        while True:
            await asyncio.sleep(TICK)
            ticks += 1
            try:
                self._close_sessions(await in_thread(healing.recently_ended))
                if ticks % TICKS_PER_SWEEP == 0 or self._due or not self._is_alive():
                    self._due = False
                    await self._sweep()
            except Exception as error:  # noqa: BLE001  the next sweep may succeed
                log.warning("sweep_failed", error=type(error).__name__)

    def layer_returned(self) -> None:
        """The channel layer delivers again: sweep soon, and let clients resync."""
        self._due = True
        loop = asyncio.get_running_loop()
        for connection in self._local.connections.values():
            loop.call_later(random.uniform(0, SPREAD), connection.deliver, RESYNC)  # noqa: S311

    async def _sweep(self) -> None:
        people = {connection.user_id for connection in self._local.connections.values()}
        changed = await in_thread(self._memberships.changed, list(people))
        for user_id, chats in changed.items():
            await self._local.correct(user_id, chats)
        groups = {g.chat_id: g for g in self._local.groups.values() if g.chat_id and g.ready}
        positions = await in_thread(healing.positions, list(groups))
        for chat_id, group in groups.items():
            seq, rev = positions.get(chat_id, (0, 0))
            if seq > group.seq or rev > group.rev:
                heal_soon(group, 0.0)
        sessions = {connection.session_id for connection in self._local.connections.values()}
        self._close_sessions(await in_thread(healing.ended_sessions, list(sessions)))

    def _close_sessions(self, ended: Mapping[UUID, int]) -> None:
        """Close the sockets of ended login sessions (session → close code)."""
        if ended:
            for connection in list(self._local.connections.values()):
                if connection.session_id in ended:
                    connection.close(ended[connection.session_id])
