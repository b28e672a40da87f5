"""This process' live fan-out: one layer subscription a group, any number of local sockets.

What this process publishes reaches its own sockets without the layer; what the layer loses, and
what it does while Redis is away, is made good by the sweeper.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import structlog

from apps.chats.selectors import members_among, memberships_of
from messenger.core.live import PRESENCE_GROUP, Body, chat_group, publisher, user_group
from messenger.gateway import close_codes, healing
from messenger.gateway.connection import Connection
from messenger.gateway.groups import EARLY_LIMIT, Group
from messenger.gateway.presence import Presence
from messenger.gateway.subscriptions import Subscriptions
from messenger.gateway.sweeper import Sweeper
from messenger.gateway.threads import in_thread, spawn

log = structlog.get_logger("messenger.hub")
TICK = 1.0


class Hub:
    """One per process and event loop."""

    def __init__(self, heartbeat: dict[str, int], places_per_user: int) -> None:
        self._heartbeat, self._places_per_user = heartbeat, places_per_user
        self._places: Counter[UUID] = Counter()
        self.groups: dict[str, Group] = {}
        self.connections: dict[str, Connection] = {}
        self._sweeper = Sweeper(self)
        self.presence = Presence(self._sockets_in)
        self.subscriptions = Subscriptions(self.receive, self._sweeper.layer_returned)
        self._tasks: list[asyncio.Task[None]] = []
        self._started: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()

    def admit(self, user_id: UUID) -> bool:
        """Take a place among the user's connections of this process, or find none left."""
        if self._places[user_id] >= self._places_per_user:
            return False
        self._places[user_id] += 1
        return True

    async def attach(self, connection: Connection) -> None:
        """Let the connection hear its user's group and all chats they take part in."""
        await self.start()
        self.connections[connection.id] = connection
        await self._join(connection, user_group(connection.user_id), None)
        found = await in_thread(memberships_of, [connection.user_id])
        await self.join_chats(connection, found[connection.user_id])
        connection.attached = True

    async def detach(self, connection: Connection) -> None:
        """Forget the connection and leave the groups that nobody here listens to any more."""
        self.connections.pop(connection.id, None)
        self.presence.leave(connection)
        self._places[connection.user_id] -= 1
        if not self._places[connection.user_id]:
            del self._places[connection.user_id]
        for name in list(connection.groups):
            await self.leave(connection, name)

    async def shutdown(self) -> None:
        """Tell every client to come back, and stop."""
        for connection in list(self.connections.values()):
            connection.close(close_codes.RESTART)
        if self._tasks:
            publisher.unhear(self)
            self.subscriptions.close()
        for task in self._tasks:
            task.cancel()

    # --- Groups -------------------------------------------------------------------------------

    async def join_chats(self, connection: Connection, chats: Mapping[UUID, int]) -> None:
        """Let a connection hear chats, each with the `members_rev` at which it may."""
        # Whoever finds a group not ready reads for themselves: the one before may give up half-way.
        unready = [
            chat_id
            for chat_id, members_rev in chats.items()
            if await self._join(connection, chat_group(chat_id), chat_id, members_rev)
        ]
        await self._learn_positions(unready)

    async def leave(self, connection: Connection, name: str) -> None:
        """Let a connection hear a group no longer."""
        connection.groups.discard(name)
        group = self.groups.get(name)
        if group is None:
            return
        group.sockets.pop(connection, None)
        if not group.sockets:
            del self.groups[name]
            await self.subscriptions.discard(name)

    async def _learn_positions(self, chat_ids: list[UUID]) -> None:
        """Where new groups stand, read after subscribing: nothing can fall between the two."""
        positions = await in_thread(healing.positions, chat_ids) if chat_ids else {}
        for chat_id in chat_ids:
            group = self.groups.get(chat_group(chat_id))
            if group is not None and not group.ready:
                group.seq, group.rev = positions.get(chat_id, (0, 0))
                group.ready = True
                if group.drain():
                    self._sweeper.heal_soon(group)

    async def _join(
        self, connection: Connection, name: str, chat_id: UUID | None, members_rev: int = 0
    ) -> bool:
        """Returns whether this process does not know yet where the group's chat stands."""
        if connection.closed:
            return False
        group = self.groups.get(name)
        if group is None:
            group = self.groups[name] = Group(name, chat_id)
        group.add(connection, members_rev)
        connection.groups.add(name)
        if group.ready:
            return False
        await self.subscriptions.add(name)
        return True

    # --- Frames -------------------------------------------------------------------------------

    def receive(self, frame: Body) -> None:
        """Take what was published to a group; pass it on when its turn has come."""
        if frame["group"] == PRESENCE_GROUP:
            self.presence.hear(frame)
            return
        group = self.groups.get(frame["group"])
        if group is None:
            return
        if frame["control"]:
            self._obey(group, frame["control"])
        if not frame["text"]:
            return
        if group.checking is not None or frame["members_rev"] > group.members_rev:
            self._check_first(group, frame)
        elif group.take(frame):
            self._sweeper.heal_soon(group)

    def _sockets_in(self, chat_ids: Iterable[UUID]) -> set[Connection]:
        groups = (self.groups.get(chat_group(chat_id)) for chat_id in chat_ids)
        return {connection for group in groups if group for connection in group.sockets}

    def hear(self, frames: list[Body]) -> None:
        """Take what this process publishes; called in the publishing thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._receive_all, frames)

    def holds(self, group: str) -> bool:
        """Whether one of the group's subscribers is this process; called in any thread."""
        return self.subscriptions.holds(group)

    def _receive_all(self, frames: list[Body]) -> None:
        for frame in frames:
            self.receive(frame)

    def _check_first(self, group: Group, frame: Body) -> None:
        """Who takes part has changed since the sockets of this group were looked up."""
        if len(group.unchecked) < EARLY_LIMIT:
            group.unchecked.append(frame)
        if group.checking is None and group.chat_id is not None:
            group.checking = spawn(self._check(group, group.chat_id))

    async def _check(self, group: Group, chat_id: UUID) -> None:
        asked = list(group.sockets)
        try:
            user_ids = {connection.user_id for connection in asked}
            members_rev, members = await in_thread(members_among, chat_id, user_ids)
            for connection in asked:
                if connection.user_id not in members and connection in group.sockets:
                    connection.pass_on(healing.removed(chat_id))
                    await self.leave(connection, group.name)
        finally:  # what is not passed on because the database did not answer is healed later
            group.checking = None
            waiting, group.unchecked = group.unchecked, []
        group.checked(asked, members_rev)
        self._receive_all(waiting)

    def _obey(self, group: Group, control: dict[str, Any]) -> None:
        sockets = list(group.sockets)
        if control["op"] == "close":
            for connection in sockets:
                if str(connection.session_id) == control["sid"]:
                    connection.close(close_codes.of_ended(control["reason"]))
        elif control["op"] == "join":
            chats = {UUID(control["chat_id"]): control["members_rev"]}
            for connection in sockets:
                spawn(self.join_chats(connection, chats))
        elif control["op"] == "leave":
            for connection in sockets:
                spawn(self.leave(connection, chat_group(control["chat_id"])))

    # --- Tasks --------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin once; whoever is first may leave meanwhile."""
        if self._started is None or (self._started.done() and not self._tasks):
            self._started = asyncio.create_task(self._begin())
        await asyncio.shield(self._started)

    async def _begin(self) -> None:
        publisher.hear(self)
        await self.subscriptions.open()
        await self.subscriptions.add(PRESENCE_GROUP)
        self._tasks = [
            asyncio.create_task(self._sweeper.run()),
            asyncio.create_task(self._tick()),
            asyncio.create_task(self.presence.keep()),
        ]

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            now = self._loop.time()
            for connection in list(self.connections.values()):
                healing.check_token(connection)
                if connection.is_silent(now, self._heartbeat["timeout"]):
                    connection.close(close_codes.HEARTBEAT)
                elif now - connection.last_ping_at >= self._heartbeat["interval"]:
                    connection.ping(now)
