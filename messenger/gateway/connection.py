"""One socket's outgoing side: it never waits, and what is in flight is bounded."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from datetime import datetime
from typing import Any
from uuid import UUID

from messenger.core.actors import Actor
from messenger.core.ids import new_id
from messenger.core.json import dumps

WINDOW_FRAMES = 256
WINDOW_BYTES = 1024 * 1024
# A ping goes out once this much is in flight, so that a reader that keeps up never stops.
PING_FRAMES = 64
PING_BYTES = 256 * 1024
HELD_BYTES = 256 * 1024  # of live frames during a replay
RESYNC = dumps({"type": "resync", "chats": None})


class Connection:
    """What the hub and the commands know of a socket.

    Frames since the last answered ping are in flight; over 256 of them or 1 MiB nothing more is
    sent or kept, and once the pong is there the client is told to `resync`.
    """

    def __init__(
        self,
        send: Callable[[dict[str, Any]], Coroutine[Any, Any, None]],
        *,
        user_id: UUID,
        session_id: UUID,
        expires_at: datetime | None,
        now: float,
    ) -> None:
        self.id = str(new_id())
        self.user_id, self.session_id, self.expires_at = user_id, session_id, expires_at
        self.actor = Actor(user_id, self.id)
        self.groups: set[str] = set()
        self.last_ping_at = self.unanswered_since = now
        self.warned = False
        self.closed = False
        self.attached = False  # hears its chats; what comes before is in the replay
        self._send = send
        self._held: list[str] | None = None
        self._held_bytes = 0
        self._sent = self._sent_bytes = 0
        self._pings: list[tuple[int, int, int, float]] = []
        self._ping_number = 0
        self._answered = (0, 0)
        self._lagging = False
        self._answer_came = asyncio.Event()

    def send(self, frame: dict[str, Any]) -> None:
        """Encode and send a frame."""
        self.send_text(dumps(frame))

    def pass_on(self, text: str) -> None:
        """Send what is live: after the replay, where one is under way."""
        if self._held is None:
            self.send_text(text)
        elif len(self._held) < WINDOW_FRAMES and self._held_bytes < HELD_BYTES:
            self._held.append(text)
            self._held_bytes += len(text)
        else:
            self._lagging = True

    def send_text(self, text: str) -> None:
        """Send ready text, unless too much is in flight; never blocks, never raises."""
        if self.closed or self._lagging:
            return
        frames, size = self._in_flight()
        if frames >= WINDOW_FRAMES or size >= WINDOW_BYTES:
            self._lagging = True
            return
        self._write(text)
        if frames >= PING_FRAMES or size >= PING_BYTES:
            self._ask()

    async def send_all(self, texts: list[str]) -> None:
        """Send many texts as fast as the reader answers; live frames are held back meanwhile."""
        for text in texts:
            while not self.closed:
                frames, size = self._in_flight()
                if frames < WINDOW_FRAMES // 2 and size < WINDOW_BYTES // 2:
                    break
                self._ask()
                self._answer_came.clear()
                await self._answer_came.wait()
            self._write(text)
            if self._in_flight()[0] > PING_FRAMES:
                self._ask()

    def hold(self) -> None:
        """Keep live frames back while the replay is being read, so that order stays."""
        if self._held is None:
            self._held, self._held_bytes = [], 0

    def release(self) -> None:
        """Send what was held back; a client that was told too much at once resyncs."""
        held, self._held = self._held or [], None
        for text in held:
            self.send_text(text)
        if self._lagging:
            self._ask()

    def ping(self, now: float) -> None:
        """Ask for a sign of life that also says how much has arrived."""
        self._ping_number += 1
        if not self._pings:
            self.unanswered_since = now
        self.last_ping_at = now
        self._write(dumps({"type": "ping", "n": self._ping_number}))
        self._pings.append((self._ping_number, self._sent, self._sent_bytes, now))

    def pong(self, number: int) -> None:
        """Everything sent before ping `number` has arrived; unknown numbers say nothing."""
        for index, (n, sent, sent_bytes, _) in enumerate(self._pings):
            if n == number:
                self._answered = (sent, sent_bytes)
                del self._pings[: index + 1]
                break
        else:
            return
        if self._pings:
            self.unanswered_since = self._pings[0][3]
        self._answer_came.set()
        if self._lagging and self._held is None:
            self._lagging = False
            self._write(RESYNC)

    def is_silent(self, now: float, timeout: float) -> bool:
        """Whether a ping has waited for its pong for longer than `timeout` seconds."""
        return bool(self._pings) and now - self.unanswered_since > timeout

    def close(self, code: int) -> None:
        """Close with `code`; what is sent afterwards goes nowhere."""
        if not self.closed:
            self.closed = True
            self._answer_came.set()
            _start(self._send({"type": "websocket.close", "code": code}))

    def gone(self) -> None:
        """The other side has closed."""
        self.closed = True
        self._answer_came.set()

    def _in_flight(self) -> tuple[int, int]:
        return self._sent - self._answered[0], self._sent_bytes - self._answered[1]

    def _ask(self) -> None:
        """Ping, unless an answer is being waited for."""
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
    """Run a send to its end if it does not wait, as it never does for a reader that keeps up.

    A task for every frame would cost more than the frame. One that waits for a slow reader's
    buffer becomes a task; the window bounds how many of them a socket can have.
    """
    try:
        waits_for = sending.send(None)
    except StopIteration:
        return
    except Exception:  # noqa: BLE001  the socket is gone; its consumer hears of it by itself
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
