"""Presence in this process: its sockets are kept alive in Redis, and changes of status broadcast.

A person's new status is published once, by the process that caused or detected it, to a group to
which all processes subscribe; each broadcasts it to its own sockets in that person's chats. Lost
publishes are repaired at the next comparison with Redis, which finds people who left unnoticed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import structlog
from django.conf import settings
from django.utils import timezone

from apps.accounts.services.last_seen import last_seen_update
from apps.chats.selectors import audiences_of, people_in_sight_of
from messenger.core import live, presence
from messenger.gateway import frames
from messenger.gateway.connection import Connection
from messenger.gateway.threads import in_thread, spawn

log = structlog.get_logger("messenger.presence")
TICK = 0.5  # seconds; status changes within one tick are published together
T = TypeVar("T")


class Presence:
    """One per hub. `sockets_in` gives the local sockets of some chats."""

    def __init__(self, sockets_in: Callable[[Iterable[UUID]], set[Connection]]) -> None:
        self._sockets_in = sockets_in
        self._local: dict[str, UUID] = {}  # connection id → person
        self._came_online: set[UUID] = set()
        # People whose status is to be broadcast again: once a tick, however often it was requested,
        # and by one task only, since of two the one with the older read might broadcast last.
        self._to_review: set[UUID] = set()
        self._reviewing: asyncio.Task[None] | None = None
        self._shown_online: set[UUID] = set()  # to some local socket
        self._refresh_at = self._trusted_at = 0.0
        # One thread, so that a leave is never overtaken by a refresh that began before it.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="presence")

    async def join(self, connection: Connection) -> bool:
        """Count the connection; False where the person has too many, over all processes."""
        joined = await self._in_order(
            presence.join,
            connection.user_id,
            connection.id,
            limit=settings.SOCKET_CONNECTIONS_PER_USER,
        )
        if joined is presence.Joined.FULL:
            return False
        self._local[connection.id] = connection.user_id
        if joined is presence.Joined.CAME_ONLINE:
            self._came_online.add(connection.user_id)
        return True

    def leave(self, connection: Connection) -> None:
        """Stop counting the connection; does not wait for Redis."""
        self._local.pop(connection.id, None)
        self._thread.submit(presence.leave, connection.user_id, connection.id)

    async def snapshot(self, user_id: UUID) -> list[str]:
        """A `presence` frame for every online person whom the user may see."""
        online = await in_thread(_online_contacts, user_id)
        self._shown_online |= online
        return [frames.presence(one, is_online=True) for one in online]

    def receive(self, frame: live.Body) -> None:
        """Broadcast a published status, or review a person whose visibility has changed."""
        control = frame["control"]
        user_id = UUID(control["user_id"])
        if control["op"] == "review":
            self._to_review.add(user_id)
            if self._reviewing is None or self._reviewing.done():
                self._reviewing = spawn(self._review_all())
            return
        hidden_from = {control["user_id"], *frame["hidden_from"]}
        sockets = self._sockets_in(map(UUID, control["chat_ids"]))
        viewers = [one for one in sockets if str(one.user_id) not in hidden_from]
        for connection in viewers:
            connection.deliver(frame["text"])
        if not control["online"]:
            self._shown_online.discard(user_id)
        elif viewers:
            self._shown_online.add(user_id)

    async def run(self) -> None:
        """Refresh, publish and compare until cancelled. A tick that fails is logged."""
        while True:
            await asyncio.sleep(TICK)
            try:
                await self._tick()
            except Exception as error:  # noqa: BLE001  the next tick may succeed
                log.warning("presence_failed", error=type(error).__name__)

    async def _tick(self) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._refresh_at:
            pairs = [(user_id, name) for name, user_id in self._local.items()]
            came_online = await self._in_order(presence.refresh, pairs)
            if came_online is None:
                # Once Redis is back, other processes need a refresh before its data is complete.
                self._trusted_at = now + presence.REFRESH
                return
            self._came_online |= came_online
            self._refresh_at = now + presence.REFRESH
            await self._compare()
        came_online, self._came_online = self._came_online, set()
        if came_online:
            await in_thread(_announce_online, came_online)
        if now >= self._trusted_at:
            gone = await self._in_order(presence.take_gone)
            if gone:
                await in_thread(_announce_offline, gone)

    async def _compare(self) -> None:
        """Review people who are shown online although Redis does not know them."""
        known = await self._in_order(presence.known, set(self._shown_online))
        lost = self._shown_online - known if known is not None else set()
        if lost:
            await self._review(lost)

    async def _review_all(self) -> None:
        while self._to_review:
            people, self._to_review = self._to_review, set()
            try:
                await self._review(people)
            except Exception as error:  # noqa: BLE001  retried: a hidden status must not stay visible
                log.warning("review_failed", error=type(error).__name__)
                self._to_review |= people
            await asyncio.sleep(TICK)

    async def _review(self, user_ids: Collection[UUID]) -> None:
        """Broadcast the status of these people again, to each socket as far as it may see it."""
        online = await self._in_order(presence.online, user_ids)
        if online is None:
            self._to_review |= set(user_ids)
            return
        audiences = await in_thread(audiences_of, user_ids)
        self._shown_online.difference_update(user_ids)
        for user_id, audience in audiences.items():
            is_online = user_id in online
            seen_at = None if is_online else audience.last_seen_at
            status = frames.presence(user_id, is_online=is_online, last_seen_at=seen_at)
            hidden = frames.presence(user_id, is_online=False)
            for connection in self._sockets_in(audience.chat_ids):
                is_visible = audience.is_visible and connection.user_id not in audience.hidden_from
                if connection.user_id != user_id:
                    connection.deliver(status if is_visible else hidden)
            if is_online:
                self._shown_online.add(user_id)

    async def _in_order(self, call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run a call to Redis in the one thread, after the calls before it."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: call(*args, **kwargs))


def _online_contacts(user_id: UUID) -> set[UUID]:
    return presence.online(people_in_sight_of(user_id)) or set()


def _announce_online(user_ids: set[UUID]) -> None:
    last_seen_update(dict.fromkeys(user_ids, timezone.now()))
    _publish(dict.fromkeys(user_ids))


def _announce_offline(gone: dict[UUID, datetime]) -> None:
    last_seen_update(gone)
    _publish(gone)


def _publish(people: Mapping[UUID, datetime | None]) -> None:
    """Publish the status of `people`: each with the time they left, or None if they came online."""
    audiences = audiences_of(people)
    live.push(
        live.Frame(
            live.PRESENCE_GROUP,
            frames.presence(
                user_id, is_online=people[user_id] is None, last_seen_at=people[user_id]
            ),
            hidden_from=tuple(map(str, audience.hidden_from)),
            control={
                "op": "presence",
                "user_id": str(user_id),
                "online": people[user_id] is None,
                "chat_ids": [str(chat_id) for chat_id in audience.chat_ids],
            },
        )
        for user_id, audience in audiences.items()
        if audience.is_visible and audience.chat_ids
    )
