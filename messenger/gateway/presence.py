"""Who is here: this process' sockets kept alive in Redis, and each coming and going told to those
who share a chat.

A person's coming or going is published once, by the process that made it happen or noticed it, to
one group that all processes hear; each passes it on to its own sockets in that person's chats. What
is lost on the way ends at the next comparison with Redis: nobody stays online on somebody's screen.
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

from apps.accounts.services.seen import people_seen
from apps.chats.selectors import audiences_of, people_in_sight_of
from messenger.core import live, presence
from messenger.core.json import dumps
from messenger.gateway.connection import Connection
from messenger.gateway.threads import in_thread, spawn

log = structlog.get_logger("messenger.presence")
TICK = 0.5  # seconds; who comes within one is told in one go
T = TypeVar("T")


class Presence:
    """One per hub. `sockets_in` gives the local sockets of some chats."""

    def __init__(self, sockets_in: Callable[[Iterable[UUID]], set[Connection]]) -> None:
        self._sockets_in = sockets_in
        self._mine: dict[str, UUID] = {}
        self._came: set[UUID] = set()
        # Whose presence is to be told anew: once a tick, however often it was asked for, and never
        # two at a time, of which the one that read first might tell last.
        self._changed: set[UUID] = set()
        self._reviewing: asyncio.Task[None] | None = None
        # Who stands as online before some local reader's eyes.
        self._shown: set[UUID] = set()
        self._refresh_at = self._trusted_at = 0.0
        # One thread, so that a leave is never overtaken by the refresh that began before it.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="presence")

    async def join(self, connection: Connection) -> bool:
        """Count the connection; False where the person has too many, over all processes."""
        joined = await self._ask(
            presence.join,
            connection.user_id,
            connection.id,
            limit=settings.SOCKET_CONNECTIONS_PER_USER,
        )
        if joined is presence.Joined.FULL:
            return False
        self._mine[connection.id] = connection.user_id
        if joined is presence.Joined.CAME_ONLINE:
            self._came.add(connection.user_id)
        return True

    def leave(self, connection: Connection) -> None:
        """The connection is gone; nobody waits for Redis to know."""
        self._mine.pop(connection.id, None)
        self._thread.submit(presence.leave, connection.user_id, connection.id)

    async def snapshot(self, user_id: UUID) -> list[str]:
        """A `presence` frame for everybody online whom the person may see."""
        here = await in_thread(_online_before, user_id)
        self._shown |= here
        return [_frame(one, "online", None) for one in here]

    def hear(self, frame: dict[str, Any]) -> None:
        """What another process, or this one, has published to the group."""
        control = frame["control"]
        user_id = UUID(control["user_id"])
        if control["op"] == "review":
            self._changed.add(user_id)
            if self._reviewing is None or self._reviewing.done():
                self._reviewing = spawn(self._review_changed())
            return
        chat_ids = map(UUID, control["chat_ids"])
        is_told = self._tell(user_id, chat_ids, frame["text"], frame["hidden_from"])
        if not control["online"]:
            self._shown.discard(user_id)
        elif is_told:
            self._shown.add(user_id)

    async def keep(self) -> None:
        """Refresh, announce and compare, without end."""
        while True:
            await asyncio.sleep(TICK)
            try:
                await self._round()
            except Exception as error:  # noqa: BLE001  the next round may succeed
                log.warning("presence_failed", error=type(error).__name__)

    async def _round(self) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._refresh_at:
            pairs = [(user_id, name) for name, user_id in self._mine.items()]
            came = await self._ask(presence.refresh, pairs)
            if came is None:
                # What Redis remembers is older than what it will be told in a moment.
                self._trusted_at = now + presence.REFRESH
                return
            self._came |= came
            self._refresh_at = now + presence.REFRESH
            await self._compare()
        came, self._came = self._came, set()
        if came:
            await in_thread(_announce_coming, came)
        if now >= self._trusted_at:
            gone = await self._ask(presence.take_gone)
            if gone:
                await in_thread(_announce_going, gone)

    async def _compare(self) -> None:
        """Whoever is shown as online and is not known to Redis: their going was lost."""
        known = await self._ask(presence.known, set(self._shown))
        lost = self._shown - known if known is not None else set()
        if lost:
            await self._review(lost)

    async def _review_changed(self) -> None:
        while self._changed:
            changed, self._changed = self._changed, set()
            try:
                await self._review(changed)
            except Exception as error:  # noqa: BLE001  what may not be seen any more must go
                log.warning("review_failed", error=type(error).__name__)
                self._changed |= changed
            await asyncio.sleep(TICK)

    async def _review(self, user_ids: Collection[UUID]) -> None:
        """Tell anew of these people, each socket as much as it may know now."""
        here = await self._ask(presence.online, user_ids)
        if here is None:
            self._changed |= set(user_ids)
            return
        audiences = await in_thread(audiences_of, user_ids)
        self._shown.difference_update(user_ids)
        for user_id, audience in audiences.items():
            is_online = user_id in here
            text = _frame(
                user_id,
                "online" if is_online else "offline",
                None if is_online else audience.last_seen_at,
            )
            unknown = _frame(user_id, "offline", None)
            for connection in self._sockets_in(audience.chat_ids):
                is_told = audience.is_visible and connection.user_id not in audience.hidden_from
                if connection.user_id != user_id:
                    connection.pass_on(text if is_told else unknown)
            if is_online:
                self._shown.add(user_id)

    def _tell(
        self, user_id: UUID, chat_ids: Iterable[UUID], text: str, hidden_from: Iterable[str] = ()
    ) -> bool:
        """Returns whether anybody here was told."""
        hidden = {str(user_id), *hidden_from}
        sockets = [one for one in self._sockets_in(chat_ids) if str(one.user_id) not in hidden]
        for connection in sockets:
            connection.pass_on(text)
        return bool(sockets)

    async def _ask(self, call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: call(*args, **kwargs))


def _online_before(user_id: UUID) -> set[UUID]:
    return presence.online(people_in_sight_of(user_id)) or set()


def _announce_coming(user_ids: set[UUID]) -> None:
    people_seen(dict.fromkeys(user_ids, timezone.now()))
    _publish(dict.fromkeys(user_ids))


def _announce_going(gone: dict[UUID, datetime]) -> None:
    people_seen(gone)
    _publish(gone)


def _publish(people: Mapping[UUID, datetime | None]) -> None:
    """Tell all processes; `people` with when they left, or None where they have come."""
    audiences = audiences_of(people)
    live.push(
        live.Frame(
            live.PRESENCE_GROUP,
            _frame(user_id, "offline" if people[user_id] else "online", people[user_id]),
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


def _frame(user_id: UUID, status: str, last_seen_at: datetime | None) -> str:
    return dumps(
        {"type": "presence", "user_id": user_id, "status": status, "last_seen_at": last_seen_at}
    )
