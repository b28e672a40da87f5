"""One socket's outgoing side: sending never blocks, and the frames in flight are bounded."""

from __future__ import annotations

import asyncio
import time
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from datetime import datetime
from typing import Any
from uuid import UUID

from apps.messages.services.frames import resync
from messenger.core.actors import Actor
from messenger.core.ids import new_id
from messenger.core.json import dumps
from messenger.gateway import close_codes, frames

WINDOW_FRAMES = 256
WINDOW_BYTES = 1024 * 1024
# A ping goes out once this much is in flight, so that a reader that keeps up never stops.
PING_FRAMES = 64
PING_BYTES = 256 * 1024
HELD_BYTES = 256 * 1024  # of live frames during a replay
WARN_BEFORE = 30  # seconds before an access token expires
RESYNC = resync(None)


class Connection:
    """An open socket and its identity, as the hub and the commands use it.

    Frames sent since the last answered ping are in flight. Over 256 of them or 1 MiB, further
    frames are dropped; after the next `pong` the client gets `resync`.
    """

    def __init__(
        self,
        send: Callable[[dict[str, Any]], Coroutine[Any, Any, None]],
        *,
        user_id: UUID,
        session_id: UUID,
        expires_at: datetime | None,
        now: float,
        locale: str = "en",
        is_staff: bool = False,
    ) -> None:
        self.id = str(new_id())
        self.user_id, self.session_id, self.expires_at = user_id, session_id, expires_at
        self.actor = Actor(user_id, self.id, is_staff)
        self.locale = locale  # of the texts in `error` frames
        self.groups: set[str] = set()
        self.last_ping_at = self.unanswered_since = now
        self.warned = False
        self.closed = False
        self.attached = False  # subscribed to its chats; earlier messages are in the replay
        self._send = send
        self._held: list[str] | None = None
        self._held_bytes = 0
        self._sent = self._sent_bytes = 0
        self._pings: list[tuple[int, int, int, float]] = []
        self._ping_number = 0
        self._answered = (0, 0)
        self._lagging = False
        self._pong_came = asyncio.Event()

    def send(self, frame: dict[str, Any]) -> None:
        """Encode and send a frame."""
        self.send_text(dumps(frame))

    def deliver(self, text: str) -> None:
        """Send a live frame; during a replay it is held back until the replay has ended."""
        if self._held is None:
            self.send_text(text)
        elif len(self._held) < WINDOW_FRAMES and self._held_bytes < HELD_BYTES:
            self._held.append(text)
            self._held_bytes += len(text)
        else:
            self._lagging = True

    def send_text(self, text: str) -> None:
        """Send an encoded frame, unless too much is in flight; never blocks, never raises."""
        if self.closed or self._lagging:
            return
        count, size = self._in_flight()
        if count >= WINDOW_FRAMES or size >= WINDOW_BYTES:
            self._lagging = True
            return
        self._write(text)
        if count >= PING_FRAMES or size >= PING_BYTES:
            self._ping_unless_waiting()

    async def send_all(self, texts: list[str]) -> None:
        """Send a replay's frames as fast as the reader answers pings; none is dropped."""
        for text in texts:
            while not self.closed:
                count, size = self._in_flight()
                if count < WINDOW_FRAMES // 2 and size < WINDOW_BYTES // 2:
                    break
                self._ping_unless_waiting()
                self._pong_came.clear()
                await self._pong_came.wait()
            self._write(text)
            if self._in_flight()[0] > PING_FRAMES:
                self._ping_unless_waiting()

    def hold(self) -> None:
        """Hold live frames back during a replay, so that each chat's order is kept."""
        if self._held is None:
            self._held, self._held_bytes = [], 0

    def release(self) -> None:
        """Send the frames that were held back; with too many of them, the client gets `resync`."""
        held, self._held = self._held or [], None
        for text in held:
            self.send_text(text)
        if self._lagging:
            self._ping_unless_waiting()

    def ping(self, now: float) -> None:
        """Send a ping; its pong shows that the client lives and which frames have arrived."""
        self._ping_number += 1
        if not self._pings:
            self.unanswered_since = now
        self.last_ping_at = now
        self._write(frames.ping(self._ping_number))
        self._pings.append((self._ping_number, self._sent, self._sent_bytes, now))

    def pong(self, number: int) -> None:
        """Everything sent before ping `number` has arrived. Unknown numbers are ignored."""
        for index, (n, sent, sent_bytes, _) in enumerate(self._pings):
            if n == number:
                self._answered = (sent, sent_bytes)
                del self._pings[: index + 1]
                break
        else:
            return
        if self._pings:
            self.unanswered_since = self._pings[0][3]
        self._pong_came.set()
        if self._lagging and self._held is None:
            self._lagging = False
            self._write(RESYNC)

    def check_token(self) -> None:
        """Warn once that the access token is about to expire; close when it has expired."""
        if self.expires_at is None:
            return
        left = self.expires_at.timestamp() - time.time()
        if left <= 0:
            self.close(close_codes.NOT_AUTHENTICATED)
        elif left <= WARN_BEFORE and not self.warned:
            self.warned = True
            self.send_text(frames.TOKEN_EXPIRING)

    def is_silent(self, now: float, timeout: float) -> bool:
        """Whether a ping has been unanswered for longer than `timeout` seconds."""
        return bool(self._pings) and now - self.unanswered_since > timeout

    def close(self, code: int) -> None:
        """Close with `code`; later frames are dropped."""
        if not self.closed:
            self.closed = True
            self._pong_came.set()
            _start(self._send({"type": "websocket.close", "code": code}))

    def mark_closed(self) -> None:
        """The socket is closed already; later frames are dropped."""
        self.closed = True
        self._pong_came.set()

    def _in_flight(self) -> tuple[int, int]:
        return self._sent - self._answered[0], self._sent_bytes - self._answered[1]

    def _ping_unless_waiting(self) -> None:
        """Ping, unless a ping is unanswered."""
        if not self._pings:
            self.ping(asyncio.get_running_loop().time())

    def _write(self, text: str) -> None:
        self._sent += 1
        self._sent_bytes += byte_length(text)
        if not self.closed:
            _start(self._send({"type": "websocket.send", "text": text}))


def byte_length(text: str) -> int:
    """The size of a frame on the wire, which is UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def _start(sending: Coroutine[Any, Any, None]) -> None:
    """Run a send without a task, which would cost more than the frame.

    It finishes at once unless the reader's buffer is full; then it becomes a task. The window
    bounds the number of such tasks per socket.
    """
    try:
        waits_for = sending.send(None)
    except StopIteration:
        return
    except Exception:  # noqa: BLE001  the socket is closed; its consumer gets the disconnect
        return
    task = asyncio.ensure_future(_finish(_resume(sending, waits_for)))
    _unfinished.add(task)
    task.add_done_callback(_unfinished.discard)


@types.coroutine
def _resume(sending: Coroutine[Any, Any, None], waits_for: Any) -> Generator[Any, None, None]:
    while True:
        yield waits_for
        try:
            waits_for = sending.send(None)
        except StopIteration:
            return


async def _finish(sending: Awaitable[None]) -> None:
    try:
        await sending
    except Exception:  # noqa: BLE001  as above
        return


_unfinished: set[asyncio.Task[None]] = set()
