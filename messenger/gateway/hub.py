"""This process' live fan-out: one layer subscription a group, any number of local sockets.

The hub knows the last `seq` and `rev` it has passed on for each chat. What comes out of order
waits a moment; what does not come is read from PostgreSQL: on a gap, and every few seconds for
all chats at once. So a publish that was lost reaches connected clients without their doing.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog

from apps.chats.selectors import chat_ids_of
from messenger.core.live import chat_group, user_group
from messenger.gateway import close_codes, healing
from messenger.gateway.connection import RESYNC, Connection
from messenger.gateway.subscriptions import Subscriptions
from messenger.gateway.threads import in_thread

log = structlog.get_logger("messenger.hub")
PATIENCE = 0.03  # seconds that a frame waits for the one before it
HEAL_INTERVAL = 5.0
TICK = 1.0
EARLY_LIMIT = 1000


@dataclass(slots=True)
class Group:
    """Local sockets of one group; for chats also the place in their order."""

    chat_id: UUID | None
    sockets: set[Connection] = field(default_factory=set)
    seq: int = 0
    rev: int = 0
    early: dict[tuple[int, int], dict[str, Any]] = field(default_factory=dict)
    ready: bool = False
    healing: asyncio.Task[None] | None = None


class Hub:
    """One per process and event loop."""

    def __init__(self, heartbeat: dict[str, int], places_per_user: int) -> None:
        self._heartbeat, self._places_per_user = heartbeat, places_per_user
        self._places: Counter[UUID] = Counter()
        self._groups: dict[str, Group] = {}
        self._connections: dict[str, Connection] = {}
        self._subscriptions = Subscriptions()
        self._tasks: list[asyncio.Task[None]] = []
        self._starting = asyncio.Lock()
        self._memberships = healing.Memberships()

    def admit(self, user_id: UUID) -> bool:
        """Take a place among the user's connections of this process, or find none left."""
        if self._places[user_id] >= self._places_per_user:
            return False
        self._places[user_id] += 1
        return True

    async def attach(self, connection: Connection) -> None:
        """Let the connection hear its user's group and all chats they take part in."""
        await self._start()
        self._connections[connection.id] = connection
        await self._join(connection, user_group(connection.user_id), None)
        chat_ids = await in_thread(chat_ids_of, connection.user_id)
        await self._join_chats(connection, chat_ids)

    async def detach(self, connection: Connection) -> None:
        """Forget the connection and leave the groups that nobody here listens to any more."""
        self._connections.pop(connection.id, None)
        self._places[connection.user_id] -= 1
        if not self._places[connection.user_id]:
            del self._places[connection.user_id]
        for name in list(connection.groups):
            await self._leave(connection, name)

    async def shutdown(self) -> None:
        """Tell every client to come back, and stop."""
        for connection in list(self._connections.values()):
            connection.close(close_codes.RESTART)
        for task in self._tasks:
            task.cancel()

    # --- Groups -------------------------------------------------------------------------------

    async def _join_chats(self, connection: Connection, chat_ids: Iterable[UUID]) -> None:
        # Whoever finds a group not ready reads for themselves: the one before may give up half-way.
        unready = [
            chat_id
            for chat_id in chat_ids
            if await self._join(connection, chat_group(chat_id), chat_id)
        ]
        await self._learn_positions(unready)

    async def _learn_positions(self, chat_ids: list[UUID]) -> None:
        """Where new groups stand, read after subscribing: nothing can fall between the two."""
        positions = await in_thread(healing.positions, chat_ids) if chat_ids else {}
        for chat_id in chat_ids:
            group = self._groups.get(chat_group(chat_id))
            if group is not None and not group.ready:
                group.seq, group.rev = positions.get(chat_id, (0, 0))
                group.ready = True
                self._drain(group)

    async def _join(self, connection: Connection, name: str, chat_id: UUID | None) -> bool:
        """Returns whether this process does not know yet where the group's chat stands."""
        if connection.closed:
            return False
        group = self._groups.get(name)
        if group is None:
            group = self._groups[name] = Group(chat_id)
        group.sockets.add(connection)
        connection.groups.add(name)
        if group.ready:
            return False
        await self._subscriptions.add(name)
        return True

    async def _leave(self, connection: Connection, name: str) -> None:
        connection.groups.discard(name)
        group = self._groups.get(name)
        if group is None:
            return
        group.sockets.discard(connection)
        if not group.sockets:
            del self._groups[name]
            await self._subscriptions.discard(name)

    # --- Frames -------------------------------------------------------------------------------

    def _receive(self, frame: dict[str, Any]) -> None:
        group = self._groups.get(frame["group"])
        if group is None:
            return
        if frame["control"]:
            self._obey(group, frame["control"])
        if not frame["text"]:
            return
        if not (frame["seq"] or frame["rev"]):
            self._pass_on(group, frame)
            return
        if len(group.early) < EARLY_LIMIT:
            group.early[frame["seq"], frame["rev"]] = frame
        if group.ready:
            self._drain(group)

    def _drain(self, group: Group) -> None:
        """Pass on what is next in order; drop what has been passed on; wait for what is missing."""
        while group.early:
            frame = group.early.pop((group.seq + 1, 0), None)
            if frame is not None:
                group.seq += 1
                self._pass_on(group, frame)
                continue
            frame = group.early.pop((0, group.rev + 1), None)
            if frame is None:
                break
            group.rev += 1
            self._pass_on(group, frame)
        if group.early:
            stale = [key for key in group.early if key[0] <= group.seq and key[1] <= group.rev]
            for key in stale:
                del group.early[key]
            if group.early:
                self._heal_soon(group, PATIENCE)

    def _pass_on(self, group: Group, frame: dict[str, Any]) -> None:
        text, skip, hidden_from = frame["text"], frame["skip"], frame.get("hidden_from", ())
        for connection in group.sockets:
            if connection.id != skip and not (
                hidden_from and str(connection.user_id) in hidden_from
            ):
                connection.pass_on(text)

    def _obey(self, group: Group, control: dict[str, Any]) -> None:
        sockets = list(group.sockets)
        if control["op"] == "close":
            for connection in sockets:
                if str(connection.session_id) == control["sid"]:
                    connection.close(close_codes.NOT_AUTHENTICATED)
        elif control["op"] == "join":
            chat_id = UUID(control["chat_id"])
            for connection in sockets:
                self._spawn(self._join_chats(connection, [chat_id]))
        elif control["op"] == "leave":
            for connection in sockets:
                self._spawn(self._leave(connection, chat_group(control["chat_id"])))

    # --- Healing ------------------------------------------------------------------------------

    def _heal_soon(self, group: Group, delay: float) -> None:
        if group.healing is None or group.healing.done():
            group.healing = self._spawn(self._heal(group, delay))

    async def _heal(self, group: Group, delay: float) -> None:
        await asyncio.sleep(delay)
        if group.chat_id is None or (delay and not group.early):
            return
        missing = await in_thread(healing.missing, group.chat_id, group.seq, group.rev)
        if missing.is_partial:  # more than a socket should be sent unasked: let clients page
            self._pass_on(group, {"text": healing.resync(group.chat_id), "skip": ""})
            group.seq = max(group.seq, missing.seq)
        else:
            for frame in missing.said:
                if frame["seq"] == group.seq + 1:
                    group.seq += 1
                    self._pass_on(group, frame)
            for frame in missing.changed:
                if frame["rev"] > group.rev:
                    self._pass_on(group, frame)
                    group.rev = frame["rev"]
        # A message changed twice shows only its last change: the numbers between are spent.
        group.rev = max(group.rev, missing.rev)
        self._drain(group)

    async def _sweep(self) -> None:
        """Compare with PostgreSQL: who is in which chat, what was passed on, who is signed in."""
        people = {connection.user_id for connection in self._connections.values()}
        changed = await in_thread(self._memberships.changed, list(people))
        for user_id, chat_ids in changed.items():
            await self._correct(user_id, chat_ids)
        groups = {g.chat_id: g for g in self._groups.values() if g.chat_id and g.ready}
        positions = await in_thread(healing.positions, list(groups))
        for chat_id, group in groups.items():
            seq, rev = positions.get(chat_id, (0, 0))
            if seq > group.seq or rev > group.rev:
                self._heal_soon(group, 0.0)
        sessions = {connection.session_id for connection in self._connections.values()}
        ended = await in_thread(healing.ended_sessions, list(sessions))
        for connection in list(self._connections.values()):
            if connection.session_id in ended:
                connection.close(close_codes.NOT_AUTHENTICATED)

    async def _correct(self, user_id: UUID, chat_ids: list[UUID]) -> None:
        """Let a person's sockets hear the chats that they take part in, and no others."""
        mine = user_group(user_id)
        group = self._groups.get(mine)
        for connection in list(group.sockets) if group else ():
            lost = connection.groups - {mine, *map(chat_group, chat_ids)}
            missed = [one for one in chat_ids if chat_group(one) not in connection.groups]
            for name in lost:
                await self._leave(connection, name)
            await self._join_chats(connection, missed)
            if lost or missed:
                connection.pass_on(RESYNC)

    # --- Tasks --------------------------------------------------------------------------------

    async def _start(self) -> None:
        async with self._starting:
            if self._tasks and not any(task.done() for task in self._tasks):
                return
            for task in self._tasks:
                task.cancel()
            await self._subscriptions.open()
            self._tasks = [
                asyncio.create_task(self._subscriptions.listen(self._receive)),
                asyncio.create_task(self._subscriptions.keep()),
                asyncio.create_task(self._keep_healing()),
                asyncio.create_task(self._tick()),
            ]

    async def _keep_healing(self) -> None:
        while True:
            await asyncio.sleep(HEAL_INTERVAL)
            try:
                await self._sweep()
            except Exception as error:  # noqa: BLE001  the next sweep may succeed
                log.warning("sweep_failed", error=type(error).__name__)

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(TICK)
            now = loop.time()
            for connection in list(self._connections.values()):
                healing.check_token(connection)
                if connection.is_silent(now, self._heartbeat["timeout"]):
                    connection.close(close_codes.HEARTBEAT)
                elif now - connection.last_ping_at >= self._heartbeat["interval"]:
                    connection.ping(now)

    def _spawn(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        _spawned.add(task)
        task.add_done_callback(_finished)
        return task


def _finished(task: asyncio.Task[None]) -> None:
    _spawned.discard(task)
    if not task.cancelled() and task.exception() is not None:
        log.warning("hub_task_failed", error=repr(task.exception()))


_spawned: set[asyncio.Task[None]] = set()
