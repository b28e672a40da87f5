"""The web process: limits of frames, handshake, shutdown."""

from __future__ import annotations

import http.client
import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from messenger.local.environment import PROJECT
from messenger.local.processes import spawn, stop

HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Web:
    """One web process on an inherited socket."""

    def __init__(self, server: str, log: Path) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        number = self.listener.fileno()
        with log.open("wb") as output:
            self.process = spawn(
                [sys.executable, "-m", "tests.local.echo", "--fd", str(number)],
                env={**os.environ, "WEB_SERVER": server},
                cwd=PROJECT,
                pass_fds=[number],
                output=output,
            )

    def get(self, path: str = "/") -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        connection.close()
        return response

    def connect(self) -> ClientConnection:
        return connect(f"ws://127.0.0.1:{self.port}/ws", max_size=None)


@pytest.fixture(params=["daphne", "uvicorn"])
def web(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Web]:
    process = Web(request.param, tmp_path / "log")
    yield process
    stop(process.process, patience=0)
    process.listener.close()


def test_frame_at_the_limit_passes_and_a_larger_one_closes_with_1009(web: Web) -> None:
    with web.connect() as client:
        client.send("x" * 65_536)
        assert client.recv(timeout=10) == "65536"
        client.send("x" * 80_000)
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(timeout=10)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


def test_compression_is_not_offered_and_the_server_is_not_named(web: Web) -> None:
    with web.connect() as client:
        assert client.protocol.extensions == []
    assert web.get().getheader("server") is None


def test_sigterm_closes_the_sockets_with_1012_and_ends_in_time(web: Web) -> None:
    with web.connect() as client:
        client.send("hello")
        assert client.recv(timeout=10) == "5"
        began = time.monotonic()
        web.process.terminate()
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(timeout=10)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
    assert web.process.wait(5) == 0
    assert time.monotonic() - began < 3


def test_running_request_is_answered_before_the_process_ends(web: Web) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=10)
    connection.request("GET", "/slow")
    response = connection.getresponse()
    assert response.read(6) == b"begun "
    web.process.terminate()
    assert response.read() == b"done"
    assert web.process.wait(5) == 0


@pytest.mark.parametrize("web", ["uvicorn"], indirect=True)  # Daphne hangs up at once
def test_answer_reaches_a_client_that_sends_no_more(web: Web) -> None:
    with socket.create_connection(("127.0.0.1", web.port), timeout=10) as line:
        line.sendall(HANDSHAKE)
        while b"\r\n\r\n" not in line.recv(1024):
            pass
        line.sendall(b"\x81\x81\0\0\0\0a" * 5)  # five text frames, with an empty mask
        line.shutdown(socket.SHUT_WR)
        answers = b""
        while received := line.recv(1024):
            answers += received
    assert answers == b"\x81\x011" * 5
