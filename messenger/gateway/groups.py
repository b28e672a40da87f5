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
    """A chat's place in its order, or a user's group, which has none.

    `seq` and `rev` are what has been passed on; what comes before its turn waits in `early`.
    `sockets` says for each up to which `members_rev` it was looked up that its user takes part;
    a frame with a later one waits in `unchecked` until they have been looked up again.
    """

    name: str
    chat_id: UUID | None
    sockets: dict[Connection, int] = field(default_factory=dict)
    members_rev: int = 0
    seq: int = 0
    rev: int = 0
    early: dict[tuple[int, int], Body] = field(default_factory=dict)
    unchecked: list[Body] = field(default_factory=list)
    ready: bool = False
    checking: asyncio.Task[None] | None = None
    healing: asyncio.Task[None] | None = None

    def add(self, connection: Connection, members_rev: int) -> None:
        """Let a socket hear the group; its user took part when `members_rev` was read."""
        is_first = not self.sockets
        self.sockets[connection] = members_rev
        self.members_rev = members_rev if is_first else min(self.members_rev, members_rev)

    def checked(self, connections: list[Connection], members_rev: int) -> None:
        """The users of these sockets were seen to take part when `members_rev` was read."""
        for connection in connections:
            if connection in self.sockets:
                self.sockets[connection] = members_rev
        self.members_rev = min(self.sockets.values(), default=members_rev)

    def take(self, frame: Body) -> bool:
        """Pass a frame on in its order; returns whether the one before it is missing."""
        if not (frame["seq"] or frame["rev"]):
            self.pass_on(frame)
            return False
        if len(self.early) < EARLY_LIMIT:
            self.early[frame["seq"], frame["rev"]] = frame
        return self.ready and self.drain()

    def drain(self) -> bool:
        """Pass on what is next in order, drop what was passed on; whether something is missing."""
        while self.early:
            frame = self.early.pop((self.seq + 1, 0), None)
            if frame is not None:
                self.seq += 1
                self.pass_on(frame)
                continue
            frame = self.early.pop((0, self.rev + 1), None)
            if frame is None:
                break
            self.rev += 1
            self.pass_on(frame)
        for key in [key for key in self.early if key[0] <= self.seq and key[1] <= self.rev]:
            del self.early[key]
        return bool(self.early)

    def pass_on(self, frame: Body) -> None:
        """To every socket but the one that gets an ack, and those that may not see it."""
        text, skip, hidden_from = frame["text"], frame["skip"], frame["hidden_from"]
        for connection in self.sockets:
            if connection.id != skip and not (
                hidden_from and str(connection.user_id) in hidden_from
            ):
                connection.pass_on(text)
