"""One socket's incoming side: frames are read, checked, executed, and answered or refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError
from django.utils import translation

from messenger.core import limits
from messenger.core.actors import Actor
from messenger.core.errors import (
    DomainError,
    InvalidInput,
    LimitExceeded,
    ServerError,
    Unavailable,
)
from messenger.core.json import loads_guarded, member, with_last_member
from messenger.core.shapes import read_input
from messenger.core.socket import (
    REF_LIMIT,
    Batched,
    Command,
    InThread,
    OnConnection,
    Streamed,
)
from messenger.core.throttles import LocalBuckets
from messenger.gateway import close_codes, frames
from messenger.gateway.commands import COMMANDS
from messenger.gateway.connection import Connection, byte_length
from messenger.gateway.threads import in_thread

log = structlog.get_logger("messenger.gateway")
PENDING_LIMIT = 512  # batched requests of one socket that are not yet durable
STREAMS = 2  # one that is being sent, one that waits for it


class Dispatcher:
    """Executes the commands of one connection within its limits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._bucket = LocalBuckets(size=1)
        self._burst, self._rate = limits.FRAMES.burst, limits.FRAMES.rate
        self._frame_limit = settings.SOCKET_FRAME_LIMIT
        self._pending = 0
        self._streams: list[asyncio.Task[None]] = []

    async def receive(self, text: str | None) -> None:
        """Execute the command in one frame.

        A bad frame is answered with one `error`. A frame over the size limit, and a connection over
        its frame rate, close the socket.
        """
        connection = self._connection
        connection.check_token()  # it may have expired since the last tick
        if connection.closed:
            return
        ref = ""
        try:
            if not self._has_frames_left() or self._is_too_large(text):
                return
            frame = _parse(text)
            ref = _take_ref(frame)
            command = _command(frame.pop("type", None), connection.actor)
            data = read_input(command.shape, frame)
            await EXECUTE[type(command.mode)](self, command.mode, data, ref)
        except DomainError as error:
            self._refuse(ref, error)
            if error.status == 400:
                await self._count_bad_frame()
        except DatabaseError:
            log.exception("command_failed")
            self._refuse(ref, Unavailable())
        except Exception:
            log.exception("command_failed")
            self._refuse(ref, ServerError())

    def stream(self, pages: AsyncIterator[list[str]]) -> asyncio.Task[None]:
        """Send pages of encoded frames after the streams before; live frames wait, to keep order.

        A page is read once the one before it is being sent to a reader that keeps up.
        """
        if len(self._streams) >= STREAMS:
            raise LimitExceeded("Wait for the sync before this one.")
        task = asyncio.create_task(self._stream(pages, list(self._streams)))
        self._streams.append(task)
        task.add_done_callback(self._streams.remove)
        return task

    def stop(self) -> None:
        """Cancel the streams, once the socket is closed."""
        for task in list(self._streams):
            task.cancel()

    # --- Execution modes ------------------------------------------------------------------------

    async def _submit(self, mode: Batched, data: Any, ref: str) -> None:
        """Queue the frame's requests; answer when their transaction has committed."""
        requests = mode.requests(self._connection.actor, data)
        if self._pending + len(requests) > PENDING_LIMIT:
            raise LimitExceeded("Wait for the answers to what you have sent.")
        self._pending += len(requests)
        is_refused = False

        def answer(outcome: Any) -> None:
            nonlocal is_refused
            self._pending -= 1
            if isinstance(outcome, DomainError):
                if not is_refused:  # at most one error per frame, however many items it has
                    self._refuse(ref, outcome)
                is_refused = True
            elif mode.reply is not None:
                reply = mode.reply(outcome)
                self._connection.send({**reply, "ref": ref} if ref else reply)

        for request in requests:
            mode.lane.submit(request, answer)

    async def _call(self, mode: InThread, data: Any, ref: str) -> None:
        answer = await in_thread(mode.run, self._connection.actor, data)
        if answer is not None:
            self._connection.send({**answer, "ref": ref} if ref else answer)

    async def _open_stream(self, mode: Streamed, data: Any, ref: str) -> None:
        self.stream(read_pages(mode.handle, self._connection.actor, data, ref=ref))

    async def _change_connection(self, mode: OnConnection, data: Any, ref: str) -> None:
        await mode.handle(self._connection, data)

    # --- Streams, refusals, limits --------------------------------------------------------------

    async def _stream(
        self, pages: AsyncIterator[list[str]], before: list[asyncio.Task[None]]
    ) -> None:
        if before:
            await asyncio.wait(before)
        connection = self._connection
        connection.hold()
        try:
            async for texts in pages:
                await connection.send_all(texts)
        except Exception:
            # Without its replay a client would believe that nothing is missing.
            log.exception("stream_failed")
            connection.close(close_codes.RESTART)
        finally:
            connection.release()

    def _refuse(self, ref: str, error: DomainError) -> None:
        connection = self._connection
        with translation.override(connection.locale):
            connection.send(frames.error(error, connection.id, ref))

    async def _count_bad_frame(self) -> None:
        """Close a flood. The bucket is the person's: reconnecting does not refill it."""
        key = str(self._connection.user_id)
        granted, _ = (await in_thread(limits.BAD_FRAMES.take_many, {key: 1}))[key]
        if not granted:
            self._connection.close(close_codes.FLOOD)

    def _has_frames_left(self) -> bool:
        granted, _ = self._bucket.take("frames", self._burst, self._rate, 1)
        if not granted:
            self._connection.close(close_codes.FLOOD)
        return bool(granted)

    def _is_too_large(self, text: str | None) -> bool:
        if text is None or byte_length(text) <= self._frame_limit:
            return False
        self._connection.close(close_codes.TOO_LARGE)
        return True


EXECUTE: dict[type, Callable[[Dispatcher, Any, Any, str], Awaitable[None]]] = {
    Batched: Dispatcher._submit,
    InThread: Dispatcher._call,
    Streamed: Dispatcher._open_stream,
    OnConnection: Dispatcher._change_connection,
}


async def read_pages(
    handle: Callable[..., Iterator[list[str]]], *args: Any, ref: str = ""
) -> AsyncIterator[list[str]]:
    """The pages of a stream; its very last frame is the answer and carries the `ref`."""
    pages = await in_thread(handle, *args)
    texts = await in_thread(next, pages)
    while texts is not None:
        following = await in_thread(next, pages, None)
        if following is None and ref:
            texts[-1] = with_last_member(texts[-1], member("ref", ref))
        yield texts
        texts = following


def _parse(text: str | None) -> dict[str, Any]:
    if not text:
        raise InvalidInput("Send JSON in text frames.")
    frame = loads_guarded(text)
    if not isinstance(frame, dict):
        raise InvalidInput("A frame must be a JSON object.")
    return frame


def _take_ref(frame: dict[str, Any]) -> str:
    ref = frame.pop("ref", "")
    if not isinstance(ref, str) or len(ref) > REF_LIMIT:
        raise InvalidInput(f"`ref` must be a string of at most {REF_LIMIT} characters.")
    return ref


def _command(name: Any, actor: Actor) -> Command:
    """A forbidden command is refused like an unknown one."""
    command = COMMANDS.get(name) if isinstance(name, str) else None
    if command is None or not command.admits(actor):
        raise InvalidInput("There is no such frame type.")
    return command
