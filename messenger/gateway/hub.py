"""The hub: live fan-out in this process, with one layer subscription per group for all its sockets.

Frames published by this process reach its own sockets without the layer. The sweeper repairs what
the layer loses or cannot carry while Redis is down.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID

from channels.layers import get_channel_layer

from apps.chats.selectors import members_among, memberships_of
from apps.chats.services.frames import chat_removed_text
from messenger.core.live import PRESENCE_GROUP, Body, Publisher, chat_group
from messenger.gateway import close_codes
from messenger.gateway.connection import Connection
from messenger.gateway.gaps import heal_soon
from messenger.gateway.groups import EARLY_LIMIT, Group
from messenger.gateway.local_groups import LocalGroups
from messenger.gateway.presence import Presence
from messenger.gateway.subscriptions import Subscriptions
from messenger.gateway.sweeper import Sweeper
from messenger.gateway.threads import in_thread, spawn

TICK = 1.0


class Hub:
    """One per process and event loop; a local subscriber of `publisher`."""

    def __init__(
        self, publisher: Publisher, heartbeat: dict[str, int], slots_per_user: int
    ) -> None:
        self._publisher, self._heartbeat = publisher, heartbeat
        self._slots_per_user = slots_per_user
        self._slots: Counter[UUID] = Counter()
        self._subscriptions = Subscriptions(
            get_channel_layer(), publisher, self.receive, self._layer_returned
        )
        self.local = LocalGroups(self._subscriptions)
        self.presence = Presence(self.local.sockets_in)
        self._sweeper = Sweeper(self.local, lambda: self._subscriptions.alive)
        self._tasks: list[asyncio.Task[None]] = []
        self._started: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()

    # --- Connections --------------------------------------------------------------------------

    def admit(self, user_id: UUID) -> bool:
        """Take one of the user's connection slots in this process; False where none is free."""
        if self._slots[user_id] >= self._slots_per_user:
            return False
        self._slots[user_id] += 1
        return True

    async def attach(self, connection: Connection) -> None:
        """Subscribe a connection to its user's group and to all chats of the user."""
        await self.start()
        self.local.connections[connection.id] = connection
        await self.local.join_user(connection)
        found = await in_thread(memberships_of, [connection.user_id])
        await self.local.join_chats(connection, found[connection.user_id])
        connection.attached = True

    async def detach(self, connection: Connection) -> None:
        """Free the connection's slot and leave its groups. Called once per admitted connection."""
        self.local.connections.pop(connection.id, None)
        self.presence.leave(connection)
        self._slots[connection.user_id] -= 1
        if not self._slots[connection.user_id]:
            del self._slots[connection.user_id]
        for name in list(connection.groups):
            await self.local.leave(connection, name)

    # --- Frames -------------------------------------------------------------------------------

    def deliver(self, frames: list[Body]) -> None:
        """Receive frames that this process publishes; called in the publishing thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._receive_all, frames)

    def is_subscribed(self, group: str) -> bool:
        """Whether Redis counts this process among the group's subscribers; in any thread."""
        return self._subscriptions.is_certain(group)

    def receive(self, frame: Body) -> None:
        """Obey a published frame's control and broadcast its text, in its chat's order."""
        if frame["group"] == PRESENCE_GROUP:
            self.presence.receive(frame)
            return
        group = self.local.get(frame["group"])
        if group is None:
            return
        if frame["control"]:
            self._obey(group, frame["control"])
        if not frame["text"]:
            return
        if group.checking is not None or frame["members_rev"] > group.members_rev:
            self._check_first(group, frame)
        elif group.accept(frame):
            heal_soon(group)

    def _receive_all(self, frames: list[Body]) -> None:
        for frame in frames:
            self.receive(frame)

    def _check_first(self, group: Group, frame: Body) -> None:
        """Keep a frame until the sockets' memberships, which have changed, are read again."""
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
                    connection.deliver(chat_removed_text(chat_id))
                    await self.local.leave(connection, group.name)
        finally:  # where the database does not answer, the dropped frames are healed later
            group.checking = None
            waiting, group.unchecked = group.unchecked, []
        group.mark_checked(asked, members_rev)
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
                spawn(self.local.join_chats(connection, chats))
        elif control["op"] == "leave":
            for connection in sockets:
                spawn(self.local.leave(connection, chat_group(control["chat_id"])))

    # --- Tasks --------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start once; goes on although the first caller may be cancelled."""
        if self._started is None or (self._started.done() and not self._tasks):
            self._started = asyncio.create_task(self._begin())
        await asyncio.shield(self._started)

    async def shutdown(self) -> None:
        """Close every socket with 1012, so that clients reconnect, and stop."""
        for connection in list(self.local.connections.values()):
            connection.close(close_codes.RESTART)
        if self._tasks:
            self._publisher.unsubscribe(self)
            self._subscriptions.close()
        for task in self._tasks:
            task.cancel()

    async def _begin(self) -> None:
        self._publisher.subscribe(self)
        await self._subscriptions.open()
        await self._subscriptions.add(PRESENCE_GROUP)
        self._tasks = [
            asyncio.create_task(self._sweeper.run()),
            asyncio.create_task(self._tick()),
            asyncio.create_task(self.presence.run()),
        ]

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            now = self._loop.time()
            for connection in list(self.local.connections.values()):
                connection.check_token()
                if connection.is_silent(now, self._heartbeat["timeout"]):
                    connection.close(close_codes.HEARTBEAT)
                elif now - connection.last_ping_at >= self._heartbeat["interval"]:
                    connection.ping(now)

    def _layer_returned(self) -> None:
        self._sweeper.layer_returned()
