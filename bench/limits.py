"""Limits of this machine, measured in the same run: pgbench and a raw WebSocket server."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import re
import socket
import struct
import subprocess
import tempfile
import time
from contextlib import closing
from multiprocessing import Process
from pathlib import Path
from typing import Any

import environ
import psycopg
import uvloop

# The same three writes as a message: the row, the chat's counter, the outbox.
SCHEMA = """
DROP TABLE IF EXISTS bench_message, bench_chat, bench_outbox;
CREATE TABLE bench_chat (id int PRIMARY KEY, last_seq bigint NOT NULL DEFAULT 0);
CREATE TABLE bench_message (
  id uuid PRIMARY KEY, chat_id int NOT NULL, seq bigint NOT NULL, body text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(), UNIQUE (chat_id, seq));
CREATE TABLE bench_outbox (
  id bigserial PRIMARY KEY, event_id uuid NOT NULL UNIQUE, payload jsonb NOT NULL,
  published_at timestamptz);
CREATE INDEX ON bench_outbox (id) WHERE published_at IS NULL;
INSERT INTO bench_chat SELECT n FROM generate_series(1, 1000) n;
"""
ROWS = """
\\set first random(1, {chats})
WITH new AS (
  SELECT n AS chat, gen_random_uuid() AS id FROM generate_series(:first, :first + {last}) n
), counted AS (
  UPDATE bench_chat SET last_seq = last_seq + 1 FROM new WHERE bench_chat.id = new.chat
  RETURNING bench_chat.id, last_seq
), written AS (
  INSERT INTO bench_message (id, chat_id, seq, body)
  SELECT new.id, chat, last_seq, repeat('x', 50) FROM new JOIN counted ON counted.id = new.chat
)
INSERT INTO bench_outbox (event_id, payload)
SELECT gen_random_uuid(), jsonb_build_object(
  'id', id, 'chat_id', chat, 'seq', 1, 'rev', 0, 'sender_id', id, 'text', repeat('x', 50),
  'sent_at', null, 'created_at', now(), 'updated_at', now(), 'read_at', null) FROM new;
"""


def pgbench(folder: Path, url: str, rows: int, clients: int, seconds: int) -> float:
    """Rows/s with `rows` messages per statement and commit, from `clients` connections."""
    given = environ.Env.db_url_config(url)
    options = given.get("OPTIONS", {})
    host = options.get("host") or given["HOST"] or "127.0.0.1"
    address = {"host": host, "user": given["USER"], "dbname": given["NAME"]}
    if given["PORT"]:
        address["port"] = str(given["PORT"])
    with psycopg.connect(**address, autocommit=True) as connection:
        connection.execute(SCHEMA)
    with tempfile.TemporaryDirectory() as temporary:
        script = Path(temporary) / "rows.sql"
        script.write_text(ROWS.format(chats=1001 - rows, last=rows - 1))
        command = [
            folder / "pgbench", "-n", "-M", "prepared", "-f", script, "-c", str(clients),
            "-j", "2", "-T", str(seconds), "-h", host, "-U", given["USER"],
        ]  # fmt: skip
        if given["PORT"]:
            command += ["-p", str(given["PORT"])]
        out = subprocess.run(
            [*command, given["NAME"]], capture_output=True, text=True, check=True
        ).stdout
    found = re.search(r"tps = ([\d.]+)", out)
    if found is None:
        raise RuntimeError(out)
    return float(found[1]) * rows


class RawServer(asyncio.Protocol):
    """A minimal WebSocket server: sends each received frame to all connections."""

    sockets: set[Any] = set()  # noqa: RUF012

    def connection_made(self, transport: Any) -> None:
        self.transport, self.open = transport, False

    def connection_lost(self, exc: Exception | None) -> None:
        self.sockets.discard(self.transport)

    def data_received(self, data: bytes) -> None:
        if not self.open:
            key = re.search(rb"Sec-WebSocket-Key: (\S+)", data)
            assert key is not None
            magic = key[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
            accept = base64.b64encode(hashlib.sha1(magic).digest())
            self.transport.write(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"
            )
            self.open = True
            self.sockets.add(self.transport)
            return
        frame = PAYLOAD
        for transport in self.sockets:
            transport.write(frame)


BODY = b'{"type":"message"' + b" " * 300 + b"}"
PAYLOAD = struct.pack(">BBH", 0x81, 126, len(BODY)) + BODY


def raw_room(members: int, seconds: float) -> float:
    """Deliveries/s of the raw server in a separate process, with one writer and many readers."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=1024)) as listener:
        port = listener.getsockname()[1]
        server = Process(target=_serve, args=(listener,), daemon=True)
        server.start()
    try:
        uvloop.install()
        return asyncio.run(_read_room(port, members, seconds))
    finally:
        server.kill()
        server.join()


def _serve(listener: socket.socket) -> None:
    os.environ.clear()
    uvloop.install()

    async def forever() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(RawServer, sock=listener)
        await server.serve_forever()

    asyncio.run(forever())


async def _read_room(port: int, members: int, seconds: float) -> float:
    from bench.ws import connect

    count = 0
    sockets = [await connect("127.0.0.1", port, "") for _ in range(members)]
    await asyncio.sleep(1)
    writer = sockets[0]

    def raw(payload: bytes) -> bool:
        nonlocal count
        count += 1
        return True

    def again(payload: bytes) -> bool:
        writer.send({"type": "next"})
        return raw(payload)

    for one in sockets[1:]:
        one.on_raw = raw
    writer.on_raw = again
    for _ in range(8):
        writer.send({"type": "next"})
    await asyncio.sleep(1)
    before, started = count, time.perf_counter()
    await asyncio.sleep(seconds)
    return (count - before) / (time.perf_counter() - started)
