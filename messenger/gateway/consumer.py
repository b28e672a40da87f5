"""One socket: who it is, commands in, frames out. It knows no domain word."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer
from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from apps.messages.commands import replay
from messenger.core.errors import DomainError, InvalidInput
from messenger.core.json import loads_guarded
from messenger.core.problems import from_status, problem
from messenger.core.shapes import read_input
from messenger.core.throttles import LocalBuckets
from messenger.gateway import auth, close_codes, current_hub
from messenger.gateway.commands import (
    COMMANDS,
    AuthenticateInput,
    Batched,
    Plain,
    PongInput,
    Streamed,
)
from messenger.gateway.connection import Connection
from messenger.gateway.threads import in_thread

log = structlog.get_logger("messenger.gateway")
REF_LIMIT = 128


class GatewayConsumer(AsyncConsumer):
    """Channels' consumer without its per-socket layer channel and per-frame tasks: the hub has
    one subscription for all sockets, and a frame in is one call."""

    connection: Connection | None = None
    streaming: asyncio.Task[None] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scope, self.base_send = scope, send
        self.bad_frames = LocalBuckets(size=1)
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

    async def websocket_connect(self, message: dict[str, Any]) -> None:
        try:
            identity = await auth.identify(self.scope)
        except auth.OriginRefused:
            await self.base_send({"type": "websocket.close", "code": 4403})
            return
        chosen = auth.PROTOCOL if auth.PROTOCOL in self.scope.get("subprotocols", []) else None
        await self.base_send({"type": "websocket.accept", "subprotocol": chosen})
        if identity is None:
            await self._refuse(close_codes.NOT_AUTHENTICATED)
            return
        if current_hub().count_of(identity.user.pk) >= settings.SOCKET_CONNECTIONS_PER_USER:
            await self._refuse(close_codes.FLOOD)
            return
        self.connection = Connection(
            self.base_send,
            user_id=identity.user.pk,
            session_id=identity.session_id,
            expires_at=identity.expires_at,
            now=asyncio.get_running_loop().time(),
        )
        structlog.contextvars.bind_contextvars(request_id=self.connection.id)
        self.connection.send(self._hello(self.connection))
        self.connection.hold()
        self.streaming = asyncio.create_task(self._begin(self.connection))

    async def websocket_receive(self, message: dict[str, Any]) -> None:
        connection = self.connection
        if connection is None or connection.closed:
            return
        text = message.get("text")
        ref = ""
        try:
            if not text:
                raise InvalidInput("Send JSON in text frames.")
            if len(text) > settings.SOCKET_FRAME_LIMIT:
                connection.close(close_codes.TOO_LARGE)
                return
            frame = loads_guarded(text)
            if not isinstance(frame, dict):
                raise InvalidInput("A frame must be a JSON object.")
            ref = _ref(frame)
            await self._dispatch(connection, frame, ref)
        except DomainError as error:
            self._error(connection, ref, error)
            if error.status == 400:
                self._count_bad_frame(connection)
        except DatabaseError:
            log.exception("command_failed")
            self._error(connection, ref, from_status(503, "Try again.", "unavailable"))
        except Exception:
            log.exception("command_failed")
            self._error(connection, ref, from_status(500))

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        if self.connection is not None:
            self.connection.gone()
            if self.streaming is not None:
                self.streaming.cancel()
            await current_hub().detach(self.connection)
        raise StopConsumer

    async def _dispatch(self, connection: Connection, frame: dict[str, Any], ref: str) -> None:
        kind = frame.pop("type", None)
        command = COMMANDS.get(kind) if isinstance(kind, str) else None
        if command is None:
            raise InvalidInput("There is no such frame type.")
        data = read_input(command.shape, frame)
        if isinstance(command, Batched):
            for request in command.requests(connection.actor, data):
                command.lane.submit(request, self._answer(connection, ref, command))
        elif isinstance(command, Plain):
            answer = await in_thread(command.handle, connection.actor, data)
            connection.send({**answer, "ref": ref} if ref else answer)
        elif isinstance(command, Streamed):
            texts = await in_thread(command.handle, connection.actor, data)
            self._stream(connection, texts)
        else:
            await getattr(self, f"of_connection_{command.method}")(connection, data)

    def _answer(self, connection: Connection, ref: str, command: Batched) -> Any:
        def answer(outcome: Any) -> None:
            if isinstance(outcome, DomainError):
                self._error(connection, ref, outcome)
            elif command.reply is not None:
                reply = command.reply(outcome)
                if ref:
                    reply["ref"] = ref
                connection.send(reply)

        return answer

    async def of_connection_pong(self, connection: Connection, data: PongInput) -> None:
        connection.pong(data.n)

    async def of_connection_authenticate(
        self, connection: Connection, data: AuthenticateInput
    ) -> None:
        identity = await in_thread(auth.identity_for_access_token, data.token)
        if identity.session_id != connection.session_id:
            raise InvalidInput("The token belongs to another login session.")
        connection.expires_at, connection.warned = identity.expires_at, False

    async def _begin(self, connection: Connection) -> None:
        """Join the groups, then replay what is not yet delivered, then what came meanwhile."""
        try:
            await current_hub().attach(connection)
            await connection.send_all(await in_thread(replay, connection.actor))
            connection.release()
        except Exception:
            log.exception("handshake_failed")
            connection.close(close_codes.RESTART)

    def _stream(self, connection: Connection, texts: list[str]) -> None:
        before = self.streaming

        async def stream() -> None:
            if before is not None:
                await asyncio.wait([before])
            connection.hold()
            await connection.send_all(texts)
            connection.release()

        self.streaming = asyncio.create_task(stream())

    def _error(self, connection: Connection, ref: str, error: DomainError) -> None:
        body = {**problem(error, connection.id), "type": "error"}
        if ref:
            body["ref"] = ref
        connection.send(body)

    def _count_bad_frame(self, connection: Connection) -> None:
        burst, rate = settings.RATE_LIMITS["bad_frames"]
        got, _ = self.bad_frames.take("bad", burst, rate, 1)
        if not got:
            connection.close(close_codes.FLOOD)

    async def _refuse(self, code: int) -> None:
        await self.base_send({"type": "websocket.close", "code": code})

    def _hello(self, connection: Connection) -> dict[str, Any]:
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


def _ref(frame: dict[str, Any]) -> str:
    ref = frame.pop("ref", "")
    if not isinstance(ref, str) or len(ref) > REF_LIMIT:
        raise InvalidInput(f"`ref` must be a string of at most {REF_LIMIT} characters.")
    return ref
