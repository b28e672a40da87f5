"""Gap healing: a chat's missing frames are read from PostgreSQL and broadcast in order."""

from __future__ import annotations

import asyncio

from messenger.gateway import healing
from messenger.gateway.groups import Group
from messenger.gateway.threads import in_thread, spawn

PATIENCE = 0.03  # seconds that an early frame waits for the one before it


def heal_soon(group: Group, delay: float = PATIENCE) -> None:
    """Read the missing frames of a group, unless they arrive within `delay` seconds.

    Called when a frame arrives before its turn, and without delay when PostgreSQL is ahead of what
    was delivered. While a group is being healed, further calls do nothing.
    """
    if group.healing is None or group.healing.done():
        group.healing = spawn(_heal(group, delay))


async def _heal(group: Group, delay: float) -> None:
    await asyncio.sleep(delay)
    if group.chat_id is None or (delay and not group.early):
        return
    people = {connection.user_id for connection in group.sockets}
    missing = await in_thread(healing.missing, group.chat_id, group.seq, group.rev, people)
    if missing.is_partial:  # more than a socket should be sent unasked: clients page through REST
        group.broadcast(healing.resync(group.chat_id))
        group.seq = max(group.seq, missing.seq)
    else:
        for frame in missing.messages:
            if frame["seq"] == group.seq + 1:
                group.seq += 1
                group.broadcast(frame)
        for frame in missing.changes:
            if frame["rev"] > group.rev:
                group.broadcast(frame)
                group.rev = frame["rev"]
    # Of a message that changed twice only the last change is left: skip the numbers between.
    group.rev = max(group.rev, missing.rev)
    if group.drain():  # frames that arrived during the read
        group.healing = None
        heal_soon(group)
