"""The web process on uvicorn."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from messenger.serve.process import (
    FRAME_LIMIT,
    close_sockets,
    exit_by_deadline,
    freeze_memory,
    wait_at,
)


class BufferingTransport:
    """A transport that writes once per iteration of the event loop.

    A batch of messages is many small frames for each socket; a system call for each took a quarter
    of a busy process' time.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._buffered: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Write at the end of this iteration."""
        if not self._buffered:
            self._loop.call_soon(self.flush)
        self._buffered.append(data)

    def close(self) -> None:
        """Flush and close."""
        self.flush()
        self._transport.close()

    def flush(self) -> None:
        """Write now."""
        buffered, self._buffered = self._buffered, []
        if buffered and not self._transport.is_closing():
            self._transport.write(b"".join(buffered))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class OrderlyServer(uvicorn.Server):
    """uvicorn that closes the gateway's sockets first and ends with exit code 0."""

    def handle_exit(self, sig: int, frame: Any) -> None:
        if not self.should_exit:
            self.should_exit = True
            exit_by_deadline()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        await close_sockets()
        await super().shutdown(sockets)


class Protocol(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket protocol, with the frames of one iteration in one write."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.buffering = BufferingTransport(transport, self.loop)
        self.transport = self.buffering  # type: ignore[assignment]

    def eof_received(self) -> None:
        self.buffering.flush()  # the event loop closes the transport afterwards
        super().eof_received()


def serve(listener: socket.socket, gate: int | None) -> None:
    """Serve with uvicorn until SIGTERM or SIGINT."""
    from messenger.asgi import application

    config = uvicorn.Config(
        application,
        loop="uvloop",
        lifespan="off",
        ws=Protocol,
        ws_max_size=FRAME_LIMIT,
        ws_ping_interval=None,
        ws_ping_timeout=None,
        ws_per_message_deflate=False,
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        log_level="warning",
        timeout_graceful_shutdown=1,
    )
    freeze_memory()
    wait_at(gate)
    OrderlyServer(config).run(sockets=[listener])
