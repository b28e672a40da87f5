"""The local sockets of one group, and the order in which a chat's frames reach them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from uuid import UUID

from messenger.core.live import Body
from messenger.gateway.connection import Connection

EARLY_LIMIT = 1000


@dataclass(slots=True, eq=False)
class Group:
    """The sockets of a chat or of a user in this process.

    A chat's group keeps its order: `seq` and `rev` are the last numbers delivered, and frames that
    arrive before their turn wait in `early`. For each socket, `sockets` has the `members_rev` at
    which its user was known to take part; a frame with a later one waits in `unchecked` until that
    has been read again.
    """

    name: str
    chat_id: UUID | None
    sockets: dict[Connection, int] = field(default_factory=dict)
    members_rev: int = 0
    seq: int = 0
    rev: int = 0
    early: dict[tuple[int, int], Body] = field(default_factory=dict)
    unchecked: list[Body] = field(default_factory=list)
    ready: bool = False  # `seq` and `rev` have been read
    checking: asyncio.Task[None] | None = None
    healing: asyncio.Task[None] | None = None

    def add(self, connection: Connection, members_rev: int) -> None:
        """Add a socket; its user took part when `members_rev` was read."""
        is_first = not self.sockets
        self.sockets[connection] = members_rev
        self.members_rev = members_rev if is_first else min(self.members_rev, members_rev)

    def mark_checked(self, connections: list[Connection], members_rev: int) -> None:
        """The users of these sockets took part when `members_rev` was read."""
        for connection in connections:
            if connection in self.sockets:
                self.sockets[connection] = members_rev
        self.members_rev = min(self.sockets.values(), default=members_rev)

    def accept(self, frame: Body) -> bool:
        """Broadcast a frame when its turn has come; returns whether an earlier one is missing."""
        if not (frame["seq"] or frame["rev"]):
            self.broadcast(frame)
            return False
        if len(self.early) < EARLY_LIMIT:
            self.early[frame["seq"], frame["rev"]] = frame
        return self.ready and self.drain()

    def drain(self) -> bool:
        """Broadcast the early frames whose turn has come; returns whether one is missing."""
        while self.early:
            frame = self.early.pop((self.seq + 1, 0), None)
            if frame is not None:
                self.seq += 1
                self.broadcast(frame)
                continue
            frame = self.early.pop((0, self.rev + 1), None)
            if frame is None:
                break
            self.rev += 1
            self.broadcast(frame)
        for key in [key for key in self.early if key[0] <= self.seq and key[1] <= self.rev]:
            del self.early[key]
        return bool(self.early)

    def broadcast(self, frame: Body) -> None:
        """Deliver to every socket but `skip`, which gets an ack, and those of `hidden_from`."""
        text, skip, hidden_from = frame["text"], frame["skip"], frame["hidden_from"]
        for connection in self.sockets:
            if connection.id != skip and not (
                hidden_from and str(connection.user_id) in hidden_from
            ):
                connection.deliver(text)
