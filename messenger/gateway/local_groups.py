"""The groups that have sockets in this process, and the sockets that belong to each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from uuid import UUID

from messenger.core.live import chat_group, user_group
from messenger.gateway import healing
from messenger.gateway.connection import RESYNC, Connection
from messenger.gateway.gaps import heal_soon
from messenger.gateway.groups import Group
from messenger.gateway.subscriptions import Subscriptions
from messenger.gateway.threads import in_thread


class LocalGroups:
    """Adds sockets to groups and removes them; subscribes to a group with its first socket."""

    def __init__(
        self,
        subscriptions: Subscriptions,
        positions: Callable[[list[UUID]], dict[UUID, tuple[int, int]]] = healing.positions,
    ) -> None:
        self._subscriptions, self._positions = subscriptions, positions
        self.groups: dict[str, Group] = {}
        self.connections: dict[str, Connection] = {}

    def get(self, name: str) -> Group | None:
        """The group, if it has sockets here."""
        return self.groups.get(name)

    def sockets_in(self, chat_ids: Iterable[UUID]) -> set[Connection]:
        """The local sockets of all participants of some chats."""
        groups = (self.groups.get(chat_group(chat_id)) for chat_id in chat_ids)
        return {connection for group in groups if group for connection in group.sockets}

    async def join_user(self, connection: Connection) -> None:
        """Add a connection to the group of its user."""
        await self._join(connection, user_group(connection.user_id), None)

    async def join_chats(self, connection: Connection, chats: Mapping[UUID, int]) -> None:
        """Add a connection to chats, each with the `members_rev` at which its user took part."""
        # Each caller reads the positions of groups that are not ready, even where another caller
        # is doing so: that one may be cancelled.
        unready = [
            chat_id
            for chat_id, members_rev in chats.items()
            if await self._join(connection, chat_group(chat_id), chat_id, members_rev)
        ]
        await self._read_positions(unready)

    async def leave(self, connection: Connection, name: str) -> None:
        """Remove a connection from a group; the subscription ends with the last one."""
        connection.groups.discard(name)
        group = self.groups.get(name)
        if group is None:
            return
        group.sockets.pop(connection, None)
        if not group.sockets:
            del self.groups[name]
            await self._subscriptions.discard(name)

    async def correct(self, user_id: UUID, chats: Mapping[UUID, int]) -> None:
        """Make a user's connections members of exactly these chats (chat → `members_rev`).

        A connection whose chats change gets `resync`.
        """
        own = user_group(user_id)
        group = self.groups.get(own)
        for connection in list(group.sockets) if group else ():
            lost = connection.groups - {own, *map(chat_group, chats)}
            missed = {
                chat_id: rev
                for chat_id, rev in chats.items()
                if chat_group(chat_id) not in connection.groups
            }
            for name in lost:
                await self.leave(connection, name)
            await self.join_chats(connection, missed)
            if (lost or missed) and connection.attached:
                connection.deliver(RESYNC)

    async def _join(
        self, connection: Connection, name: str, chat_id: UUID | None, members_rev: int = 0
    ) -> bool:
        """Returns whether the position of the group's chat has still to be read."""
        if connection.closed:
            return False
        group = self.groups.get(name)
        if group is None:
            group = self.groups[name] = Group(name, chat_id)
        group.add(connection, members_rev)
        connection.groups.add(name)
        if group.ready:
            return False
        await self._subscriptions.add(name)
        return True

    async def _read_positions(self, chat_ids: list[UUID]) -> None:
        """Read the `seq` and `rev` of new groups, after subscribing: no frame falls in between."""
        positions = await in_thread(self._positions, chat_ids) if chat_ids else {}
        for chat_id in chat_ids:
            group = self.groups.get(chat_group(chat_id))
            if group is not None and not group.ready:
                group.seq, group.rev = positions.get(chat_id, (0, 0))
                group.ready = True
                if group.drain():
                    heal_soon(group)
