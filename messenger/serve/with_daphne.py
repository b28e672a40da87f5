"""The web process on Daphne."""

from __future__ import annotations

import asyncio
import signal
import socket
from typing import Any

import uvloop

from messenger.serve.process import (
    FAREWELL_SECONDS,
    FRAME_LIMIT,
    LEAVE_SECONDS,
    leave_for_certain,
    say_farewell,
    settle_memory,
    wait_at,
)

NEVER = 10**9
SERVICE_RESTART = 1012


def serve(listener: socket.socket, gate: int | None) -> None:
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
