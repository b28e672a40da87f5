"""The load generator, a separate process: `python -m bench.load SCENARIO FILE PORT [SECONDS]`.

Prints one JSON object with the figures. Clients behave as real ones: they answer pings and say
what was delivered, at most five times a second.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import uvloop

from bench.ws import Socket, connect, connect_ready

HOST = "127.0.0.1"
IN_FLIGHT = 8
RECEIPT_INTERVAL = 0.2
IDLE, MISSED = 5000, 1000
TEXT = "The quick brown fox jumps over the lazy dog, again."


class Talker:
    """One client of a pair; keeps `in_flight` messages without ack and delivery."""

    def __init__(self, socket: Socket, chat: str, in_flight: int) -> None:
        self.socket, self.chat, self.in_flight = socket, chat, in_flight
        self.peer: Talker = self
        self.sent_at: dict[str, float] = {}
        self.half_done: set[str] = set()
        self.done = 0
        self.errors: dict[str, int] = defaultdict(int)
        self.latencies: list[float] = []
        self.highest = self.reported = 0
        self.talking = False
        socket.on_frame = self.receive

    def start(self) -> None:
        self.talking = True
        for _ in range(self.in_flight):
            self.send()

    def send(self) -> None:
        message_id = str(uuid4())
        self.sent_at[message_id] = time.perf_counter()
        self.socket.send(
            {"type": "message", "message_id": message_id, "chat_id": self.chat, "text": TEXT}
        )

    def receive(self, frame: dict[str, Any]) -> None:
        kind = frame["type"]
        if kind == "ack":
            self.pass_half(frame["message_id"])
        elif kind == "message":
            self.highest = max(self.highest, frame["seq"])
            peer = self.peer
            sent = peer.sent_at.get(frame["id"])
            if sent is not None:
                peer.latencies.append(time.perf_counter() - sent)
                peer.pass_half(frame["id"])
        elif kind == "error":
            self.errors[frame["code"]] += 1

    def pass_half(self, message_id: str) -> None:
        """Note an ack or a delivery; after both the next message is sent."""
        if message_id not in self.half_done:
            self.half_done.add(message_id)
            return
        self.half_done.discard(message_id)
        self.sent_at.pop(message_id, None)
        self.done += 1
        if self.talking:
            self.send()

    def tell(self) -> None:
        if self.highest > self.reported:
            self.reported = self.highest
            self.socket.send(
                {"type": "delivered", "items": [{"chat_id": self.chat, "seq": self.highest}]}
            )


async def open_pair(data: dict[str, Any], port: int, in_flight: int) -> list[Talker]:
    sockets = [await connect_ready(HOST, port, token) for token in data["tokens"]]
    two = [Talker(socket, data["chat"], in_flight) for socket in sockets]
    two[0].peer, two[1].peer = two[1], two[0]
    return two


async def keep_telling(talkers: list[Talker]) -> None:
    """Start clients at different times: together they would be a burst."""
    while True:
        for talker in talkers:
            await asyncio.sleep(RECEIPT_INTERVAL / len(talkers))
            talker.tell()


async def pairs(data: dict[str, Any], port: int, seconds: float) -> dict[str, Any]:
    """50 pairs with 8 messages in flight per client: acknowledged and delivered messages/s."""
    talkers = [one for pair in data["pairs"] for one in await open_pair(pair, port, IN_FLIGHT)]
    telling = asyncio.create_task(keep_telling(talkers))
    for talker in talkers:
        talker.start()
    await asyncio.sleep(2)
    for talker in talkers:
        talker.latencies.clear()
    before, started = sum(talker.done for talker in talkers), time.perf_counter()
    await asyncio.sleep(seconds)
    done = sum(talker.done for talker in talkers) - before
    elapsed = time.perf_counter() - started
    telling.cancel()
    latencies = [one for talker in talkers for one in talker.latencies]
    errors = {code: n for talker in talkers for code, n in talker.errors.items()}
    return {"per_second": done / elapsed, "errors": errors, **quantiles(latencies)}


async def lone(data: dict[str, Any], port: int, seconds: float) -> dict[str, Any]:
    """One pair, one message at a time: time from send to delivery."""
    first, second = await open_pair(data["pairs"][0], port, 1)
    telling = asyncio.create_task(keep_telling([first, second]))
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        first.send()
        await asyncio.sleep(0.02)
    telling.cancel()
    return quantiles(first.latencies)


async def rate(data: dict[str, Any], port: int, seconds: float) -> dict[str, Any]:
    """1,000 messages/s, evenly from 50 pairs: time from send to delivery."""
    talkers = [one for pair in data["pairs"] for one in await open_pair(pair, port, 1)]
    telling = asyncio.create_task(keep_telling(talkers))
    started, number = time.perf_counter(), 0
    while (now := time.perf_counter()) < started + seconds:
        while number < (now - started) * 1000:
            talkers[number % len(talkers)].send()
            number += 1
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.5)
    telling.cancel()
    return quantiles([one for talker in talkers for one in talker.latencies])


async def room(data: dict[str, Any], port: int, seconds: float) -> dict[str, Any]:
    """500 connected members of one chat, one of which writes: deliveries/s."""
    tokens, chat = data["room"]["tokens"], data["room"]["chat"]
    sockets: list[Socket] = []
    for start in range(0, len(tokens), 50):
        some = [connect_ready(HOST, port, token) for token in tokens[start : start + 50]]
        sockets += await asyncio.gather(*some)
    count = 0

    def raw(payload: bytes) -> bool:
        # Parsing 500 copies of one frame would measure this process instead.
        nonlocal count
        if payload.startswith(b'{"type":"message"'):
            count += 1
            return True
        return False

    for socket in sockets[1:]:
        socket.on_raw = raw
    writer = Talker(sockets[0], chat, 8)
    writer.pass_half = lambda message_id: writer.send() if writer.talking else None  # type: ignore[method-assign]
    writer.start()
    await asyncio.sleep(2)
    before, started = count, time.perf_counter()
    await asyncio.sleep(seconds)
    done, elapsed = count - before, time.perf_counter() - started
    writer.talking = False
    return {"per_second": done / elapsed, "errors": dict(writer.errors)}


async def connections(data: dict[str, Any], port: int, seconds: float) -> dict[str, Any]:
    """5,000 idle sockets: memory per socket, and how many stay open for a minute."""
    tokens = [token for pair in data["pairs"] for token in pair["tokens"]] + data["room"]["tokens"]
    pids = [int(one) for one in os.environ["BENCH_PIDS"].split(",")]
    before, started = resident(pids), time.perf_counter()
    sockets: list[Socket] = []
    for start in range(0, IDLE, 50):
        some = (tokens[number % len(tokens)] for number in range(start, start + 50))
        sockets += await asyncio.gather(*(connect_ready(HOST, port, token) for token in some))
    elapsed = time.perf_counter() - started
    for socket in sockets:
        socket.on_frame = lambda frame: None
    await asyncio.sleep(10)
    held = resident(pids) - before
    await asyncio.sleep(float(os.environ.get("BENCH_IDLE_SECONDS", "60")))
    still_open = sum(not socket.closed.done() for socket in sockets)
    return {
        "KiB each": held / IDLE / 1024,
        "opened/s": IDLE / elapsed,
        "still open": still_open,
    }


async def catch_up(data: dict[str, Any], port: int, seconds: float) -> dict[str, Any]:
    """1,000 missed messages, 500 in each of two chats: time from connect to the last one."""
    took = []
    for _ in range(5):
        count, started = 0, time.perf_counter()
        socket = await connect(HOST, port, data["missed"])
        done = asyncio.get_running_loop().create_future()

        def take(frame: dict[str, Any]) -> None:
            nonlocal count
            count += frame["type"] == "message"
            if frame["type"] == "sync_done":
                done.set_result(None)  # noqa: B023

        socket.on_frame = take
        await done
        took.append(time.perf_counter() - started)
        if count != MISSED:
            raise AssertionError(f"{count} messages came")
        socket.abort()
    return quantiles(took)


def resident(pids: list[int]) -> int:
    """Memory of the processes in bytes."""
    return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 for pid in pids)


def quantiles(latencies: list[float]) -> dict[str, float]:
    """Milliseconds."""
    ordered = sorted(latencies) or [0.0]
    return {
        f"p{share}": ordered[min(len(ordered) - 1, len(ordered) * share // 100)] * 1000
        for share in (50, 95, 99)
    }


SCENARIOS: dict[str, Callable[[dict[str, Any], int, float], Awaitable[dict[str, Any]]]] = {
    "pairs": pairs,
    "lone": lone,
    "rate": rate,
    "room": room,
    "catch_up": catch_up,
    "connections": connections,
}


def main() -> None:
    """Run the named scenario."""
    scenario, path, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    seconds = float(sys.argv[4]) if len(sys.argv) > 4 else 8.0
    data = json.loads(Path(path).read_text())
    uvloop.install()
    print(json.dumps(asyncio.run(SCENARIOS[scenario](data, port, seconds))))


if __name__ == "__main__":
    main()
