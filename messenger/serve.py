"""The web process: `python -m messenger.serve --fd N` or `--host H --port P`.

`WEB_SERVER` chooses between daphne and uvicorn. Both serve `messenger.asgi:application` on a
uvloop, without compression of frames (it costs two thirds of the fan-out), without pings of their
own (the protocol has its heartbeat), and without trust in proxy headers. SIGTERM ends the process
in order within LEAVE_SECONDS.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib
import logging
import os
import signal
import socket
import sys
import threading
from typing import Any

import uvloop

# The protocol's limit is 64 KiB and the gateway's to tell; beyond this the server closes with 1009.
FRAME_LIMIT = 70_000
# Shared by the sockets' farewell, the requests under way and the end of the threads.
LEAVE_SECONDS = 2.3
FAREWELL_SECONDS = 1.2
NEVER = 10**9
SWITCH_SECONDS = 0.0005
SERVICE_RESTART = 1012

logger = logging.getLogger(__name__)


def main() -> None:
    """Parse the command line and serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m messenger.serve", description=__doc__)
    parser.add_argument("--fd", type=int, help="a listening socket inherited from the parent")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--gate", type=int, help="a pipe: once loaded, serve when it is closed")
    arguments = parser.parse_args()
    if arguments.fd is not None:
        listener = socket.socket(fileno=arguments.fd)
    else:
        family = socket.AF_INET6 if ":" in arguments.host else socket.AF_INET
        listener = socket.create_server(
            (arguments.host, arguments.port), family=family, backlog=2048
        )
    # Processes share it and one wins each connection: the others must not wait in accept().
    listener.setblocking(False)
    # The event loop and the writers' threads hand each other short pieces of work: Python's
    # default of 5 ms until a busy thread lets another one run would be most of a message's way.
    sys.setswitchinterval(SWITCH_SECONDS)
    serve = serve_with_uvicorn if os.environ.get("WEB_SERVER") == "uvicorn" else serve_with_daphne
    serve(listener, arguments.gate)


def settle_memory() -> None:
    """Take what is loaded for good out of the garbage collector's sight.

    Looking through all of Django again and again held every socket up for tens of milliseconds.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def wait_at(gate: int | None) -> None:
    """Wait until the other end of the pipe is closed; nothing is ever written to it."""
    if gate is not None:
        os.read(gate, 1)
        os.close(gate)


async def say_farewell() -> None:
    """Let the gateway close its sockets with 1012, for a limited time and whatever goes wrong."""
    gateway = importlib.import_module("messenger.gateway")
    try:
        await asyncio.wait_for(gateway.shutdown(), FAREWELL_SECONDS)
    except Exception:  # the process ends all the same
        logger.exception("the sockets were not closed in order")


def leave_for_certain() -> None:
    """End the process after LEAVE_SECONDS, even if a thread hangs in a query."""
    last_resort = threading.Timer(LEAVE_SECONDS, os._exit, [0])
    last_resort.daemon = True
    last_resort.start()


def serve_with_daphne(listener: socket.socket, gate: int | None) -> None:
    """Serve with Daphne until told to leave."""
    # Daphne makes its loop when it is imported: the policy comes first.
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    from daphne.server import Server
    from daphne.ws_protocol import WebSocketProtocol
    from twisted.internet import reactor as twisted_reactor

    from messenger.asgi import application

    reactor: Any = twisted_reactor
    quiet_autobahn()

    class Protocol(WebSocketProtocol):  # type: ignore[misc]
        """A socket that can say the server restarts: autobahn takes 1012 from a peer only."""

        def serverClose(self, code: int | None = None) -> None:  # noqa: N802  Daphne's name
            if code == SERVICE_RESTART:
                self.sendCloseFrame(code=code, isReply=False)
            else:
                super().serverClose(code)

    class QuietServer(Server):  # type: ignore[misc]
        """Daphne with our socket, our signals, and a close frame where it would cut the line."""

        port: Any = None
        leaving: asyncio.Task[None] | None = None

        def begin(self) -> None:
            self.ws_factory.protocol = Protocol
            # By default an oversized frame cuts the line; the client is owed the reason, 1009.
            self.ws_factory.setProtocolOptions(failByDrop=False)
            factory = self.http_factory
            self.port = reactor.adoptStreamPort(listener.fileno(), listener.family, factory)
            listener.close()  # the reactor has a copy of it
            loop = asyncio.get_event_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self.leave, loop)

        def leave(self, loop: asyncio.AbstractEventLoop) -> None:
            if self.leaving is None:
                leave_for_certain()
                self.leaving = loop.create_task(self.end_in_order())

        async def end_in_order(self) -> None:
            self.port.stopListening()
            await say_farewell()
            running = [details.get("application_instance") for details in self.connections.values()]
            under_way = [task for task in running if task is not None and not task.done()]
            if under_way:
                await asyncio.wait(under_way, timeout=LEAVE_SECONDS - FAREWELL_SECONDS - 0.4)
            reactor.stop()

    # A word only: Daphne wants an endpoint, but text cannot hand it a socket of any family.
    server = QuietServer(
        application,
        endpoints=["adopted"],
        signal_handlers=False,
        ping_interval=NEVER,
        websocket_timeout=-1,
        websocket_handshake_timeout=20,
        websocket_max_message_size=FRAME_LIMIT,
        websocket_max_frame_size=FRAME_LIMIT,
        server_name="",
        verbosity=0,
    )
    server.endpoints = []
    server.ready_callable = server.begin
    settle_memory()
    wait_at(gate)
    server.run()


def quiet_autobahn() -> None:
    """Autobahn colours a method's name for a debug line at every read and write, read or not.

    That was a tenth of the process' time under load.
    """
    from autobahn.twisted import websocket as transport
    from autobahn.websocket import protocol

    for module in (protocol, transport):
        vars(module)["hltype"] = lambda described: ""


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
            self._loop.call_soon(self._flush)
        self._gathered.append(data)

    def close(self) -> None:
        """Close once everything is written."""
        self._flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def _flush(self) -> None:
        gathered, self._gathered = self._gathered, []
        if gathered and not self._transport.is_closing():
            self._transport.write(b"".join(gathered))


def serve_with_uvicorn(listener: socket.socket, gate: int | None) -> None:
    """Serve with uvicorn until told to leave."""
    import uvicorn
    from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

    from messenger.asgi import application

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
            self.transport = GatheringTransport(transport, self.loop)  # type: ignore[assignment]

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


if __name__ == "__main__":
    main()
