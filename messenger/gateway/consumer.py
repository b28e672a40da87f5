"""One socket: who it is, frames in, frames out. It knows no domain word."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import structlog
from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer
from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from apps.messages.commands.socket import replay
from messenger.core import metrics
from messenger.gateway import auth, close_codes, current_hub
from messenger.gateway.connection import Connection
from messenger.gateway.dispatch import Dispatcher, read_pages

log = structlog.get_logger("messenger.gateway")


class GatewayConsumer(AsyncConsumer):  # type: ignore[misc]
    """Channels' consumer without its per-socket layer channel and per-frame tasks: the hub has
    one subscription for all sockets, and a frame in is one call."""

    connection: Connection | None = None
    dispatcher: Dispatcher | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scope, self.base_send = scope, send
        handlers = {
            "websocket.connect": self.websocket_connect,
            "websocket.receive": self.websocket_receive,
            "websocket.disconnect": self.websocket_disconnect,
        }
        try:
            while True:
                message = await receive()
                await handlers[message["type"]](message)
        except StopConsumer:
            return
        finally:  # also where the server cancels us because a command took too long
            await self._leave()

    async def websocket_connect(self, message: dict[str, Any]) -> None:
        try:
            identity = await auth.identify(self.scope)
        except auth.OriginRefused:
            await self.base_send({"type": "websocket.close", "code": close_codes.BANNED})
            return
        except DatabaseError:
            log.exception("handshake_failed")
            await self._accept_and_close(close_codes.RESTART)
            return
        if identity is None:
            await self._accept_and_close(close_codes.NOT_AUTHENTICATED)
            return
        if not current_hub().admit(identity.user.pk):
            await self._accept_and_close(close_codes.FLOOD)
            return
        self.connection = connection = Connection(
            self.base_send,
            user_id=identity.user.pk,
            session_id=identity.session_id,
            expires_at=identity.expires_at,
            now=asyncio.get_running_loop().time(),
        )
        self.dispatcher = Dispatcher(connection)
        metrics.socket_connections.inc()
        if not await current_hub().presence.join(connection):
            connection.gone()
            await self._accept_and_close(close_codes.FLOOD)
            return
        await self._accept()
        structlog.contextvars.bind_contextvars(request_id=connection.id)
        connection.send(_hello(connection))
        self.dispatcher.stream(_begin(connection))

    async def websocket_receive(self, message: dict[str, Any]) -> None:
        if self.dispatcher is not None and self.connection and not self.connection.closed:
            await self.dispatcher.receive(message.get("text"))

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        raise StopConsumer

    async def _leave(self) -> None:
        if self.connection is not None and self.dispatcher is not None:
            metrics.socket_connections.dec()
            self.connection.gone()
            self.dispatcher.stop()
            await current_hub().detach(self.connection)

    async def _accept(self) -> None:
        chosen = auth.PROTOCOL if auth.PROTOCOL in self.scope.get("subprotocols", []) else None
        await self.base_send({"type": "websocket.accept", "subprotocol": chosen})

    async def _accept_and_close(self, code: int) -> None:
        """A browser sees the code of a socket only once it was open."""
        await self._accept()
        await self.base_send({"type": "websocket.close", "code": code})


async def _begin(connection: Connection) -> AsyncIterator[list[str]]:
    """Join the groups first: nothing can fall between the replay and what comes live."""
    hub = current_hub()
    await hub.attach(connection)
    async for page in read_pages(replay, connection.actor):
        yield page
    yield await hub.presence.snapshot(connection.user_id)


def _hello(connection: Connection) -> dict[str, Any]:
    burst, rate = (value * settings.LIMITS_SCALE for value in settings.RATE_LIMITS["messages"])
    return {
        "type": "connected",
        "user_id": connection.user_id,
        "connection_id": connection.id,
        "protocol": 1,
        "server_time": timezone.now(),
        "heartbeat": settings.SOCKET_HEARTBEAT,
        "limits": {
            "text": settings.MESSAGE_TEXT_LIMIT,
            "frame": settings.SOCKET_FRAME_LIMIT,
            "messages_per_10s": int(burst + 10 * rate),
        },
    }
