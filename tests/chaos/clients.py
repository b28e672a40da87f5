"""Clients that follow the protocol, and what they have received."""

from __future__ import annotations

import asyncio
import json
import random
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

from tests.mirror import Mirror

GONE = (ConnectionClosed, InvalidHandshake, InvalidMessage, OSError, TimeoutError, EOFError)
UNSURE_LIMIT = 4  # messages of one client that may be without an ack
RESEND_AFTER = 3.0


class SyncingClient:
    """Connects, reconnects and sends; repeats messages without an ack under the same id."""

    def __init__(self, entry: dict[str, Any], ports: list[int]) -> None:
        self.user_id, self.token = entry["user_id"], entry["token"]
        self.chats: list[str] = entry["chats"]
        self.ports = ports
        self.mirror = Mirror()
        self.acked: dict[str, tuple[str, int]] = {}
        self.sent: dict[str, tuple[str, float]] = {}  # every id: its chat, and when first sent
        self.unsure: dict[str, float] = {}  # no ack yet: when last sent
        self.acks: list[tuple[float, float]] = []  # when it came, seconds it took
        self.arrivals: list[tuple[float, str]] = []  # when a message of others was first seen
        self.closes: Counter[int] = Counter()
        self.frames: Counter[str] = Counter()
        self.connected = asyncio.Event()
        self.connections = 0
        self._asking = False
        self._socket: ClientConnection | None = None

    async def live(self, pause: Callable[[], float | None]) -> None:
        """Run until cancelled. `pause()` returns the seconds until the next message, or None."""
        attempt = random.randrange(len(self.ports))
        while True:
            port = self.ports[attempt % len(self.ports)]
            attempt += 1
            try:
                async with connect(
                    f"ws://127.0.0.1:{port}/ws",
                    additional_headers={"Authorization": f"Bearer {self.token}"},
                    compression=None,
                    ping_interval=None,
                    open_timeout=15,
                    close_timeout=1,
                    max_size=None,
                ) as self._socket:
                    await self._stay(self._socket, pause)
            except GONE as error:
                if isinstance(error, ConnectionClosed):
                    self.closes[error.rcvd.code if error.rcvd else 1006] += 1
            finally:
                self.connected.clear()
            await asyncio.sleep(random.uniform(0.1, 0.6))

    async def _stay(self, socket: ClientConnection, pause: Callable[[], float | None]) -> None:
        self._asking = False
        writing = asyncio.create_task(self._write(socket, pause))
        try:
            await self._sync(list(self.mirror.chats))
            for message_id in list(self.unsure):
                await self._send(socket, message_id)
            async for text in socket:
                await self._take(socket, json.loads(text))
        finally:
            writing.cancel()

    async def _write(self, socket: ClientConnection, pause: Callable[[], float | None]) -> None:
        with suppress(*GONE):
            while True:
                wait = pause()
                await asyncio.sleep(random.uniform(0.5, 1.5) * (wait or 0.3))
                if wait and self.chats and len(self.unsure) < UNSURE_LIMIT:
                    message_id = str(uuid4())
                    self.sent[message_id] = (random.choice(self.chats), time.monotonic())
                    await self._send(socket, message_id)
                for message_id, at in list(self.unsure.items()):
                    if time.monotonic() - at > RESEND_AFTER:
                        await self._send(socket, message_id)

    async def _send(self, socket: ClientConnection, message_id: str) -> None:
        self.unsure[message_id] = time.monotonic()
        frame = {"type": "message", "message_id": message_id, "text": f"words {message_id}"}
        await socket.send(
            json.dumps({**frame, "chat_id": self.sent[message_id][0], "ref": message_id})
        )

    async def _take(self, socket: ClientConnection, frame: dict[str, Any]) -> None:
        kind, now = frame["type"], time.monotonic()
        self.frames[kind] += 1
        if kind == "connected":
            self.connections += 1
        elif kind == "ping":
            await socket.send(json.dumps({"type": "pong", "n": frame["n"]}))
        elif kind == "ack":
            self._acked(frame, now)
        elif kind == "resync":
            for key in frame["chats"] or self.chats:
                await asyncio.to_thread(self._page, key)
        elif kind == "sync_done":
            self.connected.set()
            if frame.get("ref") == "sync":
                self._asking = False
                await self._sync(self.mirror.synced(frame))
        else:
            if kind == "message" and frame["sender_id"] != self.user_id:
                self._note(frame, now)
            await self._sync(self.mirror.take(frame))

    def _acked(self, ack: dict[str, Any], now: float) -> None:
        message_id = ack["message_id"]
        self.unsure.pop(message_id, None)
        if message_id not in self.acked:
            self.acked[message_id] = (ack["chat_id"], ack["seq"])
            self.acks.append((now, now - self.sent[message_id][1]))
        if not ack["duplicate"]:
            message = {"id": message_id, "seq": ack["seq"], "rev": 0, "chat_id": ack["chat_id"]}
            message |= {"type": "message", "text": f"words {message_id}"}
            self.mirror.take(message)

    def _note(self, frame: dict[str, Any], now: float) -> None:
        chat = self.mirror.chats.get(frame["chat_id"])
        if chat is None or frame["seq"] > chat.seq:
            self.arrivals.append((now, frame["id"]))

    async def _sync(self, behind: list[str]) -> None:
        if behind and not self._asking and self._socket is not None:
            self._asking = True
            positions = self.mirror.positions()
            asked = {key: positions[key] for key in behind}
            await self._socket.send(json.dumps({"type": "sync", "chats": asked, "ref": "sync"}))

    def _page(self, key: str) -> None:
        """Read the missing messages of a chat through REST."""
        while True:
            chat = self.mirror.chats.get(key)
            path = f"/api/v1/messages?chat_id={key}&after_seq={chat.seq if chat else 0}&limit=100"
            request = urllib.request.Request(
                f"http://127.0.0.1:{self.ports[0]}{path}",
                headers={"Authorization": f"Bearer {self.token}"},
            )
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    body = json.load(answer)
            except OSError:
                return  # the next resync or sync
            self.mirror.page(key, body["items"])
            if not body["has_more_after"]:
                return


class Clients:
    """All clients, in one event loop."""

    def __init__(self, entries: list[dict[str, Any]], ports: list[int]) -> None:
        self.people = [SyncingClient(entry, ports) for entry in entries]
        self.pause: float | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(one.live(lambda: self.pause)) for one in self.people]
        await self.all_connected(60)
        return self

    async def __aexit__(self, *exc: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def all_connected(self, seconds: float) -> float:
        """Wait for the handshakes of all clients; returns how long that took."""
        started = time.monotonic()
        async with asyncio.timeout(seconds):
            for one in self.people:
                await one.connected.wait()
        return time.monotonic() - started

    async def talk(self, seconds: float, pause: float = 0.25) -> None:
        """Every client sends about every `pause` seconds."""
        self.pause = pause
        await asyncio.sleep(seconds)

    async def settle(self, last_seqs: Callable[[], dict[str, int]], seconds: float = 40) -> None:
        """Stop sending; wait until every message is acknowledged and received by all."""
        self.pause = None
        async with asyncio.timeout(seconds):
            # The condition is in the database, so it is polled.
            while any(one.unsure for one in self.people) or self.behind(last_seqs()):  # noqa: ASYNC110
                await asyncio.sleep(0.25)

    def behind(self, last_seqs: dict[str, int]) -> list[str]:
        """The clients that have not received every message yet."""
        return [
            one.user_id
            for one in self.people
            for chat_id in one.chats
            if last_seqs.get(chat_id, 0)
            > (one.mirror.chats[chat_id].seq if chat_id in one.mirror.chats else 0)
        ]

    def acks_between(self, start: float, end: float) -> list[float]:
        """The latencies of acks received in this time, in seconds, sorted."""
        return sorted(s for one in self.people for at, s in one.acks if start <= at <= end)

    @property
    def closes(self) -> Counter[int]:
        """How often each close code was received."""
        return sum((one.closes for one in self.people), Counter())
