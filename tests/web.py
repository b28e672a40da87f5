"""Real web processes on the suite's own database, and a plain client of their socket."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import environ
from django.db import connection
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from messenger.gateway.protocol import read_frame

ROOT = Path(__file__).resolve().parents[1]


class WebProcess:
    """`python -m messenger.serve` on a port of its own, or another program that takes `--port`."""

    def __init__(self, argv: list[str] | None = None, **env: str) -> None:
        self.port = free_port()
        self._argv = argv or [sys.executable, "-m", "messenger.serve"]
        self._env = env
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start and wait until `/health` answers."""
        self.process = subprocess.Popen(
            [*self._argv, "--port", str(self.port)],
            cwd=ROOT,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "messenger.settings.test",
                "DATABASE_URL": database_url(),
                "LOG_LEVEL": "WARNING",
                "CSRF_TRUSTED_ORIGINS": f"http://127.0.0.1:{self.port}",
                **self._env,
            },
        )
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.url}/health", timeout=2) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the web process does not answer")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """`kill -9`."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """SIGTERM, and wait."""
        assert self.process is not None
        self.process.terminate()
        self.process.wait(10)


class Client:
    """A socket client in plain steps: send a frame, wait for a frame of a type."""

    def __init__(self, port: int, token: str | None = None, **options: Any) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= options.pop("headers", {})
        self.socket: ClientConnection = connect(
            f"ws://127.0.0.1:{port}/ws",
            additional_headers=headers,
            compression=None,
            legacy=True,
            max_size=None,
            # Unread frames would hold up the closing handshake, for its ten seconds.
            **{"max_queue": None, **options},
        )
        self.seen: list[dict[str, Any]] = []
        # Apart from the others, because few tests are about presence.
        self.presences: list[dict[str, Any]] = []
        self._is_past_handshake = False

    def ready(self) -> dict[str, Any]:
        """Wait for the end of the handshake; returns its `sync_done`."""
        return self.wait("sync_done")

    def send(self, kind: str, **fields: Any) -> None:
        self.socket.send(json.dumps({"type": kind, **fields}, default=str))

    def raw(self, frame: str | bytes) -> None:
        self.socket.send(frame)

    def say(self, chat_id: Any, text: str, **fields: Any) -> dict[str, Any]:
        """Send a message; returns its ack, or the error."""
        ref = uuid4().hex
        fields.setdefault("message_id", uuid4())
        self.send("message", chat_id=chat_id, text=text, ref=ref, **fields)
        return self.answer(ref)

    def ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Send a frame with a `ref`; returns the frame that carries it back."""
        return self.answer(self._ask(kind, **fields))

    def answer(self, ref: str) -> dict[str, Any]:
        return self._until(lambda frame: frame.get("ref") == ref)

    def wait(self, kind: str, timeout: float = 10, **fields: Any) -> dict[str, Any]:
        """The next frame of this type (with these fields); others are kept in `seen`."""
        return self._until(_matches(kind, fields), timeout)

    def frames_until(self, kind: str, timeout: float = 10, **fields: Any) -> list[dict[str, Any]]:
        """The frames before the next one of this type (with these fields), without presence.

        To show that a frame does not arrive, let the same process send a marker after it: frames
        from one process to another, and in one chat, keep their order.
        """
        earlier, self.seen = self.seen, []
        self.wait(kind, timeout, **fields)
        between, self.seen = [one for one in self.seen if one["type"] != "ping"], earlier
        return between

    def frames_until_answer(self, kind: str = "", **fields: Any) -> list[dict[str, Any]]:
        """Send a command; the frames before its answer, without presence.

        By default a command that changes nothing: everything that this socket's process broadcast
        to it before, and the answers to its own earlier frames, arrive before the answer. Those to
        `message`, `delivered` and `read` come from a batch: they are followed by the answer to a
        frame of the same type only.
        """
        if not kind:
            kind, fields = "delete_message", {"message_id": uuid4()}
        earlier, self.seen = self.seen, []
        if not self._is_past_handshake:  # until then live frames are held back
            self.answer(self._ask("sync", chats={}))
            self._is_past_handshake = True
        self.answer(self._ask(kind, **fields))
        between, self.seen = [one for one in self.seen if one["type"] != "ping"], earlier
        return between

    def wait_for_any(self, *kinds: str) -> dict[str, Any]:
        """The next frame of one of these types; others are kept in `seen`."""
        return self._until(lambda frame: frame["type"] in kinds)

    def quiet(self, seconds: float = 0.5) -> list[dict[str, Any]]:
        """The frames within `seconds`, without pings and presence; where no marker can be had."""
        frames = []
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                frames.append(self._next(left))
            except TimeoutError:
                break
        self.presences += [frame for frame in frames if frame["type"] == "presence"]
        return [frame for frame in frames if frame["type"] not in ("ping", "presence")]

    def drain(self) -> None:
        """Take the frames that have arrived already; they are forgotten."""
        with contextlib.suppress(TimeoutError):
            while True:
                self._next(0.001)

    def close_code(self, timeout: float = 5) -> int:
        """Wait until the server closes the socket; returns the close code."""
        try:
            end = time.monotonic() + timeout
            while time.monotonic() < end:
                self._next(max(0.01, end - time.monotonic()))
        except ConnectionClosed:
            return self.socket.close_code or 0
        raise AssertionError("the socket is still open")

    def close(self) -> None:
        self.socket.close()

    def _ask(self, kind: str, **fields: Any) -> str:
        ref = uuid4().hex
        self.send(kind, ref=ref, **fields)
        return ref

    def _until(self, wanted: Any, timeout: float = 10) -> dict[str, Any]:
        end = time.monotonic() + timeout
        while True:
            frame = self._next(max(0.01, end - time.monotonic()))
            if wanted(frame):
                return frame
            (self.presences if frame["type"] == "presence" else self.seen).append(frame)

    def _next(self, timeout: float) -> dict[str, Any]:
        text = self.socket.recv(timeout)
        assert isinstance(text, str)
        read_frame(text)  # a frame that the protocol does not declare fails the test
        frame: dict[str, Any] = json.loads(text)
        if frame["type"] == "ping":
            self.send("pong", n=frame["n"])
        return frame


def _matches(kind: str, fields: dict[str, Any]) -> Callable[[dict[str, Any]], bool]:
    def matches(frame: dict[str, Any]) -> bool:
        return frame["type"] == kind and all(
            str(frame.get(name)) == str(value) for name, value in fields.items()
        )

    return matches


def database_url() -> str:
    """The suite's database, as other processes reach it."""
    given = environ.Env().db("DATABASE_URL")["NAME"]
    name = connection.settings_dict["NAME"]
    head, _, tail = os.environ["DATABASE_URL"].rpartition(f"/{given}")
    return f"{head}/{name}{tail}"


def free_port() -> int:
    """A free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
