"""A minimal WebSocket client (RFC 6455), so that the figures show the server's cost.

The masking key is zero: legal on the wire, and the payload needs no work.
"""

from __future__ import annotations

import asyncio
import base64
import os
import struct
from collections.abc import Callable
from typing import Any

import orjson


class Socket(asyncio.Protocol):
    """A connection; answers `ping` and passes other frames to `on_frame`."""

    def __init__(self, host: str, path: str, token: str) -> None:
        self._request = (
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n"
            f"Sec-WebSocket-Version: 13\r\nAuthorization: Bearer {token}\r\n\r\n"
        ).encode()
        self._buffer = bytearray()
        self._open = False
        self._transport: Any = None
        self.on_frame: Callable[[dict[str, Any]], None] = lambda frame: None
        self.on_raw: Callable[[bytes], bool] = lambda payload: False
        self.closed: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_result(1006)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        if not self._open:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            if not buffer.startswith(b"HTTP/1.1 101"):
                self.closed.set_result(int(buffer[9:12]))
                self._transport.close()
                return
            del buffer[: end + 4]
            self._open = True
        position = 0
        while len(buffer) - position >= 2:
            opcode, size = buffer[position] & 15, buffer[position + 1] & 127
            start = position + 2
            if size == 126:
                if len(buffer) < start + 2:
                    break
                (size,) = struct.unpack_from(">H", buffer, start)
                start += 2
            elif size == 127:
                if len(buffer) < start + 8:
                    break
                (size,) = struct.unpack_from(">Q", buffer, start)
                start += 8
            if len(buffer) < start + size:
                break
            self._receive(opcode, bytes(buffer[start : start + size]))
            position = start + size
        del buffer[:position]

    def _receive(self, opcode: int, payload: bytes) -> None:
        if opcode == 8:
            if not self.closed.done():
                self.closed.set_result(struct.unpack(">H", payload[:2])[0] if payload else 1005)
            self._transport.close()
        elif opcode == 1 and not self.on_raw(payload):
            frame = orjson.loads(payload)
            if frame["type"] == "ping":
                self.send({"type": "pong", "n": frame["n"]})
            else:
                self.on_frame(frame)

    def send(self, frame: dict[str, Any]) -> None:
        """Encode and send one text frame."""
        payload = orjson.dumps(frame)
        size = len(payload)
        head = (
            struct.pack(">BB", 0x81, 0x80 | size)
            if size < 126
            else (struct.pack(">BBH", 0x81, 0xFE, size))
        )
        self._transport.write(head + b"\0\0\0\0" + payload)

    def abort(self) -> None:
        """Abort the connection."""
        self._transport.abort()


async def connect(host: str, port: int, token: str, path: str = "/ws") -> Socket:
    """An open socket, before its first frame."""
    loop = asyncio.get_running_loop()
    _, protocol = await loop.create_connection(
        lambda: Socket(f"{host}:{port}", path, token), host, port
    )
    return protocol


async def connect_ready(host: str, port: int, token: str) -> Socket:
    """A socket after its handshake: the first `sync_done` was received."""
    socket = await connect(host, port, token)
    ready = asyncio.get_running_loop().create_future()

    def wait(frame: dict[str, Any]) -> None:
        if frame["type"] == "sync_done" and not ready.done():
            ready.set_result(None)

    socket.on_frame = wait
    await asyncio.wait([ready, socket.closed], return_when="FIRST_COMPLETED", timeout=30)
    if not ready.done():
        raise ConnectionError("the handshake did not end")
    return socket
