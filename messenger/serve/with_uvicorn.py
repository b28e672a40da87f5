"""The web process on uvicorn."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from messenger.serve.process import (
    FRAME_LIMIT,
    leave_for_certain,
    say_farewell,
    settle_memory,
    wait_at,
)


class GatheringTransport:
    """A transport that writes once per turn of the event loop.

    A batch of messages is many small frames for each socket, and a system call each of them is a
    quarter of a busy process' time.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._gathered: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Write at the end of this turn."""
        if not self._gathered:
            self._loop.call_soon(self.flush)
        self._gathered.append(data)

    def close(self) -> None:
        """Close once everything is written."""
        self.flush()
        self._transport.close()

    def flush(self) -> None:
        """Write now."""
        gathered, self._gathered = self._gathered, []
        if gathered and not self._transport.is_closing():
            self._transport.write(b"".join(gathered))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class OrderlyServer(uvicorn.Server):
    """uvicorn that lets the gateway close its sockets, and ends with exit code 0."""

    def handle_exit(self, sig: int, frame: Any) -> None:
        if not self.should_exit:
            self.should_exit = True
            leave_for_certain()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        await say_farewell()
        await super().shutdown(sockets)


class Protocol(WebSocketsSansIOProtocol):
    """uvicorn's sockets, with frames of the same moment in one write."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.gathering = GatheringTransport(transport, self.loop)
        self.transport = self.gathering  # type: ignore[assignment]

    def eof_received(self) -> None:
        self.gathering.flush()  # the loop closes the transport after this
        super().eof_received()


def serve(listener: socket.socket, gate: int | None) -> None:
    """Serve with uvicorn until told to leave."""
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
    settle_memory()
    wait_at(gate)
    OrderlyServer(config).run(sockets=[listener])
