"""The ASGI application of one socket: the handshake, then the loop over its frames."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import structlog
from django.db import DatabaseError

from apps.messages.commands.socket import replay
from messenger.core import metrics
from messenger.gateway import auth, close_codes, current_hub, frames
from messenger.gateway.connection import Connection
from messenger.gateway.dispatch import Dispatcher, read_pages
from messenger.gateway.hub import Hub

log = structlog.get_logger("messenger.gateway")


async def websocket_application(scope: Any, receive: Any, send: Any) -> None:
    """Serve `/ws` and `/ws/`; any other path is refused before the handshake, with HTTP 403."""
    if scope["path"].rstrip("/") == "/ws":
        await Consumer(current_hub(), scope, receive, send).run()
    else:
        await receive()
        await send({"type": "websocket.close"})


class Consumer:
    """One socket.

    Not a Channels consumer: that has a layer channel per socket and a task per frame, where the hub
    has one subscription for all sockets of a group and a frame is one call.
    """

    def __init__(self, hub: Hub, scope: Any, receive: Any, send: Any) -> None:
        self._hub, self._scope, self._receive, self._send = hub, scope, receive, send
        self.connection: Connection | None = None
        self.dispatcher: Dispatcher | None = None

    async def run(self) -> None:
        """Serve the socket until it disconnects, or the server cancels a command that hangs."""
        try:
            while True:
                message = await self._receive()
                if message["type"] == "websocket.receive":
                    if self.dispatcher is not None:
                        await self.dispatcher.receive(message.get("text"))
                elif message["type"] == "websocket.connect":
                    await self._connect()
                else:
                    return
        finally:
            await self._leave()

    async def _connect(self) -> None:
        """Open the socket and start its replay, or close it with the code that says why not."""
        try:
            identity = await auth.identify(self._scope)
        except auth.OriginRefused:
            await self._send({"type": "websocket.close"})
            return
        except DatabaseError:
            log.exception("handshake_failed")
            await self._accept_and_close(close_codes.RESTART)
            return
        if identity is None:
            await self._accept_and_close(close_codes.NOT_AUTHENTICATED)
            return
        if not self._hub.admit(identity.user.pk):
            await self._accept_and_close(close_codes.FLOOD)
            return
        self.connection = connection = Connection(
            self._send,
            user_id=identity.user.pk,
            session_id=identity.session_id,
            expires_at=identity.expires_at,
            locale=identity.user.locale,
            is_staff=identity.user.is_staff,
            now=asyncio.get_running_loop().time(),
        )
        self.dispatcher = Dispatcher(connection)
        metrics.socket_connections.inc()
        if not await self._hub.presence.join(connection):
            connection.mark_closed()
            await self._accept_and_close(close_codes.FLOOD)
            return
        await self._accept()
        structlog.contextvars.bind_contextvars(request_id=connection.id)
        connection.send(frames.connected(connection.user_id, connection.id))
        self.dispatcher.stream(_handshake(self._hub, connection))

    async def _leave(self) -> None:
        if self.connection is not None and self.dispatcher is not None:
            metrics.socket_connections.dec()
            self.connection.mark_closed()
            self.dispatcher.stop()
            await self._hub.detach(self.connection)

    async def _accept(self) -> None:
        chosen = auth.PROTOCOL if auth.PROTOCOL in self._scope.get("subprotocols", []) else None
        await self._send({"type": "websocket.accept", "subprotocol": chosen})

    async def _accept_and_close(self, code: int) -> None:
        """Browsers show a close code only for a socket that was open."""
        await self._accept()
        await self._send({"type": "websocket.close", "code": code})


async def _handshake(hub: Hub, connection: Connection) -> AsyncIterator[list[str]]:
    """Pages of the replay, then of presence. Groups are joined first: no live frame is missed."""
    await hub.attach(connection)
    async for page in read_pages(replay, connection.actor):
        yield page
    yield await hub.presence.snapshot(connection.user_id)
