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
            **options,
        )
        self.seen: list[dict[str, Any]] = []
        # Comings and goings of others, which few tests are about.
        self.presences: list[dict[str, Any]] = []

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
        ref = uuid4().hex
        self.send(kind, ref=ref, **fields)
        return self.answer(ref)

    def answer(self, ref: str) -> dict[str, Any]:
        return self._until(lambda frame: frame.get("ref") == ref)

    def wait(self, kind: str, timeout: float = 10, **fields: Any) -> dict[str, Any]:
        """The next frame of this type (with these fields); others are kept in `seen`."""
        return self._until(
            lambda frame: (
                frame["type"] == kind
                and all(str(frame.get(name)) == str(value) for name, value in fields.items())
            ),
            timeout,
        )

    def wait_for_any(self, *kinds: str) -> dict[str, Any]:
        """The next frame of one of these types; others are kept in `seen`."""
        return self._until(lambda frame: frame["type"] in kinds)

    def quiet(self, seconds: float = 0.5) -> list[dict[str, Any]]:
        """Whatever arrives within `seconds`, without pings and presence."""
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
        """Wait until the server closes; returns why."""
        try:
            end = time.monotonic() + timeout
            while time.monotonic() < end:
                self._next(max(0.01, end - time.monotonic()))
        except ConnectionClosed:
            return self.socket.close_code or 0
        raise AssertionError("the socket is still open")

    def close(self) -> None:
        self.socket.close()

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
        read_frame(text)  # what the protocol does not describe fails the test
        frame: dict[str, Any] = json.loads(text)
        if frame["type"] == "ping":
            self.send("pong", n=frame["n"])
        return frame


def database_url() -> str:
    """The suite's database, as other processes reach it."""
    given = environ.Env().db("DATABASE_URL")["NAME"]
    name = connection.settings_dict["NAME"]
    head, _, tail = os.environ["DATABASE_URL"].rpartition(f"/{given}")
    return f"{head}/{name}{tail}"


def free_port() -> int:
    """A port that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
