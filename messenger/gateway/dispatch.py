"""One socket's frames: read, bounded, handed to their command, answered or refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError

from apps.accounts.selectors import identity_for_access_token
from messenger.core.errors import DomainError, InvalidInput, LimitExceeded
from messenger.core.json import loads_guarded, member, with_last_member
from messenger.core.problems import from_status, problem
from messenger.core.shapes import read_input
from messenger.core.throttles import LocalBuckets, take_many
from messenger.gateway import close_codes, healing
from messenger.gateway.commands import (
    COMMANDS,
    AuthenticateInput,
    Batched,
    Plain,
    PongInput,
    Streamed,
)
from messenger.gateway.connection import Connection, byte_length
from messenger.gateway.threads import in_thread

log = structlog.get_logger("messenger.gateway")
REF_LIMIT = 128
WAITING_LIMIT = 512  # requests of one socket that are not yet durable
STREAMS = 2  # one that is being sent, one that waits for it


class Dispatcher:
    """What a socket may ask for, and how much of it at once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._bucket = LocalBuckets(size=1)
        self._burst, self._rate = (
            one * settings.LIMITS_SCALE for one in settings.RATE_LIMITS["frames"]
        )
        self._frame_limit = settings.SOCKET_FRAME_LIMIT
        self._waiting = 0
        self._streams: list[asyncio.Task[None]] = []

    async def receive(self, text: str | None) -> None:
        """Handle one frame. What is wrong with it is one `error` frame; size and floods close."""
        healing.check_token(self._connection)  # it may have ended since the last tick
        if self._connection.closed:
            return
        ref = ""
        try:
            if not self._has_frames_left() or self._is_too_large(text):
                return
            frame = _read(text)
            ref = _ref(frame)
            await self._dispatch(frame, ref)
        except DomainError as error:
            self._refuse(ref, error)
            if error.status == 400:
                await self._count_bad_frame()
        except DatabaseError:
            log.exception("command_failed")
            self._refuse(ref, from_status(503, "Try again.", "unavailable"))
        except Exception:
            log.exception("command_failed")
            self._refuse(ref, from_status(500))

    def stream(self, pages: AsyncIterator[list[str]]) -> asyncio.Task[None]:
        """Send many texts after the streams before; live frames wait, so that order stays.

        A page is read when the one before it is on its way to a reader that keeps up.
        """
        if len(self._streams) >= STREAMS:
            raise LimitExceeded("Wait for the sync before this one.")
        task = asyncio.create_task(self._stream(pages, list(self._streams)))
        self._streams.append(task)
        task.add_done_callback(self._streams.remove)
        return task

    def stop(self) -> None:
        """The socket is gone."""
        for task in list(self._streams):
            task.cancel()

    def _is_too_large(self, text: str | None) -> bool:
        if text is None or byte_length(text) <= self._frame_limit:
            return False
        self._connection.close(close_codes.TOO_LARGE)
        return True

    async def _dispatch(self, frame: dict[str, Any], ref: str) -> None:
        kind = frame.pop("type", None)
        command = COMMANDS.get(kind) if isinstance(kind, str) else None
        if command is None:
            raise InvalidInput("There is no such frame type.")
        data, actor = read_input(command.shape, frame), self._connection.actor
        if isinstance(command, Batched):
            self._submit(command, command.requests(actor, data), ref)
        elif isinstance(command, Plain):
            answer = await in_thread(command.handle, actor, data)
            if answer is not None:
                self._connection.send({**answer, "ref": ref} if ref else answer)
        elif isinstance(command, Streamed):
            self.stream(read_pages(command.handle, actor, data, ref=ref))
        else:
            await getattr(self, f"_{command.method}")(data)

    def _submit(self, command: Batched, requests: list[Any], ref: str) -> None:
        if self._waiting + len(requests) > WAITING_LIMIT:
            raise LimitExceeded("Wait for the answers to what you have sent.")
        self._waiting += len(requests)
        refused: list[DomainError] = []

        def answer(outcome: Any) -> None:
            self._waiting -= 1
            if isinstance(outcome, DomainError):
                if not refused:  # one frame, one error, however many items it had
                    self._refuse(ref, outcome)
                refused.append(outcome)
            elif command.reply is not None:
                reply = command.reply(outcome)
                self._connection.send({**reply, "ref": ref} if ref else reply)

        for request in requests:
            command.lane.submit(request, answer)

    async def _pong(self, data: PongInput) -> None:
        self._connection.pong(data.n)

    async def _authenticate(self, data: AuthenticateInput) -> None:
        identity = await in_thread(identity_for_access_token, data.token)
        if identity.session_id != self._connection.session_id:
            raise InvalidInput("The token belongs to another login session.")
        self._connection.expires_at, self._connection.warned = identity.expires_at, False

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
            # Without its replay a client would believe that it has everything.
            log.exception("stream_failed")
            connection.close(close_codes.RESTART)
        finally:
            connection.release()

    def _refuse(self, ref: str, error: DomainError) -> None:
        body = {**problem(error, self._connection.id), "type": "error"}
        if ref:
            body["ref"] = ref
        self._connection.send(body)

    async def _count_bad_frame(self) -> None:
        """One bucket a person: another connection, or another process, is no fresh start."""
        key = str(self._connection.user_id)
        got, _ = (await in_thread(take_many, "bad_frames", {key: 1}))[key]
        if not got:
            self._connection.close(close_codes.FLOOD)

    def _has_frames_left(self) -> bool:
        got, _ = self._bucket.take("frames", self._burst, self._rate, 1)
        if not got:
            self._connection.close(close_codes.FLOOD)
        return bool(got)


def _read(text: str | None) -> dict[str, Any]:
    if not text:
        raise InvalidInput("Send JSON in text frames.")
    frame = loads_guarded(text)
    if not isinstance(frame, dict):
        raise InvalidInput("A frame must be a JSON object.")
    return frame


async def read_pages(
    handle: Callable[..., Iterator[list[str]]], *args: Any, ref: str = ""
) -> AsyncIterator[list[str]]:
    """The pages of a stream; its very last text is the answer and carries the `ref`."""
    pages = await in_thread(handle, *args)
    texts = await in_thread(next, pages)
    while texts is not None:
        following = await in_thread(next, pages, None)
        if following is None and ref:
            texts[-1] = with_last_member(texts[-1], member("ref", ref))
        yield texts
        texts = following


def _ref(frame: dict[str, Any]) -> str:
    ref = frame.pop("ref", "")
    if not isinstance(ref, str) or len(ref) > REF_LIMIT:
        raise InvalidInput(f"`ref` must be a string of at most {REF_LIMIT} characters.")
    return ref
