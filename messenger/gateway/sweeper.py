"""What the hub makes good from PostgreSQL: gaps, lost publishes, changed memberships, ended logins.

With the layer alive it looks every five seconds, without it every second; ended sessions always
every second.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from typing import TYPE_CHECKING
from uuid import UUID

import structlog

from messenger.core.live import chat_group, user_group
from messenger.gateway import healing
from messenger.gateway.connection import RESYNC
from messenger.gateway.groups import Group
from messenger.gateway.threads import in_thread, spawn

if TYPE_CHECKING:
    from messenger.gateway.hub import Hub

log = structlog.get_logger("messenger.hub")
PATIENCE = 0.03  # seconds that a frame waits for the one before it
LOOK = 1.0
LOOKS_A_SWEEP = 5
SPREAD = 2.0  # seconds over which sockets are told to resync


class Sweeper:
    """Compares what the hub knows with PostgreSQL."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._memberships = healing.Memberships()
        self._due = False

    async def run(self) -> None:
        """Look, without end."""
        looks = 0
        while True:
            await asyncio.sleep(LOOK)
            looks += 1
            try:
                await self._end_sessions(await in_thread(healing.recently_ended))
                if looks % LOOKS_A_SWEEP == 0 or self._due or not self._hub.subscriptions.alive:
                    self._due = False
                    await self._sweep()
            except Exception as error:  # noqa: BLE001  the next look may succeed
                log.warning("sweep_failed", error=type(error).__name__)

    def layer_returned(self) -> None:
        """Nothing published into the void stays unseen: sweep, and let clients ask (spec 3)."""
        self._due = True
        loop = asyncio.get_running_loop()
        for connection in self._hub.connections.values():
            loop.call_later(random.uniform(0, SPREAD), connection.pass_on, RESYNC)  # noqa: S311

    def heal_soon(self, group: Group, delay: float = PATIENCE) -> None:
        """Read what a chat's sockets miss, unless it comes within `delay` seconds."""
        if group.healing is None or group.healing.done():
            group.healing = spawn(self._heal(group, delay))

    async def _heal(self, group: Group, delay: float) -> None:
        await asyncio.sleep(delay)
        if group.chat_id is None or (delay and not group.early):
            return
        people = {connection.user_id for connection in group.sockets}
        missing = await in_thread(healing.missing, group.chat_id, group.seq, group.rev, people)
        if missing.is_partial:  # more than a socket should be sent unasked: let clients page
            group.pass_on(healing.resync(group.chat_id))
            group.seq = max(group.seq, missing.seq)
        else:
            for frame in missing.said:
                if frame["seq"] == group.seq + 1:
                    group.seq += 1
                    group.pass_on(frame)
            for frame in missing.changed:
                if frame["rev"] > group.rev:
                    group.pass_on(frame)
                    group.rev = frame["rev"]
        # A message changed twice shows only its last change: the numbers between are spent.
        group.rev = max(group.rev, missing.rev)
        if group.drain():  # what came while we read
            group.healing = None
            self.heal_soon(group)

    async def _sweep(self) -> None:
        people = {connection.user_id for connection in self._hub.connections.values()}
        changed = await in_thread(self._memberships.changed, list(people))
        for user_id, chats in changed.items():
            await self._correct(user_id, chats)
        groups = {g.chat_id: g for g in self._hub.groups.values() if g.chat_id and g.ready}
        positions = await in_thread(healing.positions, list(groups))
        for chat_id, group in groups.items():
            seq, rev = positions.get(chat_id, (0, 0))
            if seq > group.seq or rev > group.rev:
                self.heal_soon(group, 0.0)
        sessions = {connection.session_id for connection in self._hub.connections.values()}
        await self._end_sessions(await in_thread(healing.ended_sessions, list(sessions)))

    async def _end_sessions(self, ended: Mapping[UUID, int]) -> None:
        if ended:
            for connection in list(self._hub.connections.values()):
                if connection.session_id in ended:
                    connection.close(ended[connection.session_id])

    async def _correct(self, user_id: UUID, chats: Mapping[UUID, int]) -> None:
        """Let a person's sockets hear the chats that they take part in, and no others."""
        mine = user_group(user_id)
        group = self._hub.groups.get(mine)
        for connection in list(group.sockets) if group else ():
            lost = connection.groups - {mine, *map(chat_group, chats)}
            missed = {
                chat_id: rev
                for chat_id, rev in chats.items()
                if chat_group(chat_id) not in connection.groups
            }
            for name in lost:
                await self._hub.leave(connection, name)
            await self._hub.join_chats(connection, missed)
            if (lost or missed) and connection.attached:
                connection.pass_on(RESYNC)
