"""The web process on Daphne."""

from __future__ import annotations

import asyncio
import signal
import socket
from typing import Any

import uvloop

from messenger.serve.process import (
    CLOSE_SECONDS,
    EXIT_SECONDS,
    FRAME_LIMIT,
    close_sockets,
    exit_by_deadline,
    freeze_memory,
    wait_at,
)

NEVER = 10**9
SERVICE_RESTART = 1012


def serve(listener: socket.socket, gate: int | None) -> None:
    """Serve with Daphne until SIGTERM or SIGINT."""
    # Daphne creates its event loop on import: the policy has to be set before.
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    from daphne.server import Server
    from daphne.ws_protocol import WebSocketProtocol
    from twisted.internet import reactor as twisted_reactor

    from messenger.asgi import application

    reactor: Any = twisted_reactor
    disable_autobahn_debug()

    class Protocol(WebSocketProtocol):  # type: ignore[misc]
        """A socket that can close with 1012, which autobahn only accepts from a peer."""

        def serverClose(self, code: int | None = None) -> None:  # noqa: N802  Daphne's name
            if code == SERVICE_RESTART:
                self.sendCloseFrame(code=code, isReply=False)
            else:
                super().serverClose(code)

    class AdoptingServer(Server):  # type: ignore[misc]
        """Daphne with our listening socket and signal handlers."""

        port: Any = None
        stopping: asyncio.Task[None] | None = None

        def begin(self) -> None:
            self.ws_factory.protocol = Protocol
            # By default an oversized frame drops the connection; the client needs the code, 1009.
            self.ws_factory.setProtocolOptions(failByDrop=False)
            factory = self.http_factory
            self.port = reactor.adoptStreamPort(listener.fileno(), listener.family, factory)
            listener.close()  # the reactor has its own copy
            loop = asyncio.get_event_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self.start_shutdown, loop)

        def start_shutdown(self, loop: asyncio.AbstractEventLoop) -> None:
            if self.stopping is None:
                exit_by_deadline()
                self.stopping = loop.create_task(self.finish_shutdown())

        async def finish_shutdown(self) -> None:
            self.port.stopListening()
            await close_sockets()
            running = [details.get("application_instance") for details in self.connections.values()]
            unfinished = [task for task in running if task is not None and not task.done()]
            if unfinished:
                await asyncio.wait(unfinished, timeout=EXIT_SECONDS - CLOSE_SECONDS - 0.4)
            reactor.stop()

    # A placeholder: Daphne requires an endpoint, but its syntax has none for a listening socket.
    server = AdoptingServer(
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
    freeze_memory()
    wait_at(gate)
    server.run()


def disable_autobahn_debug() -> None:
    """Disable the formatting of debug lines, which autobahn does at every read and write.

    It took a tenth of the process' time under load.
    """
    from autobahn.twisted import websocket as transport
    from autobahn.websocket import protocol

    for module in (protocol, transport):
        vars(module)["hltype"] = lambda described: ""
