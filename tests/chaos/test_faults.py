"""Faults under load; `make chaos` runs them and prints a report."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
import redis

from tests.chaos.clients import Clients
from tests.chaos.deployment import Deployment, check, deployment

pytestmark = pytest.mark.chaos

SIZE, OUTSIDERS = 5, 2
Act = Callable[[Deployment, Clients], Coroutine[Any, Any, str]]
table: list[tuple[str, str, str]] = []


@pytest.fixture(scope="module", autouse=True)
def report() -> Iterator[None]:
    """Print the report at the end."""
    yield
    width = max((len(name) for name, _, _ in table), default=0)
    print("\n")
    for name, seen, checked in table:
        print(f"{name:<{width}}  {checked}\n{'':<{width}}  {seen}")


def play(name: str, act: Act, *, clocks: tuple[float, float] = (0.0, 0.0), groups: int = 5) -> None:
    """Run two web processes, a worker and clients; `act` causes a fault and returns a summary.

    Then wait until all messages were received, and check the invariants.
    """
    with deployment() as made:
        entries = made.people(groups, SIZE, OUTSIDERS)
        for clock in clocks:
            made.start_web(clock=clock)
        made.start_worker()

        async def run() -> tuple[str, str]:
            async with Clients(entries, [web.port for web in made.web]) as clients:
                await clients.talk(3, pause=len(entries) / 100)
                seen = await act(made, clients)
                await clients.settle(made.last_seqs)
                return seen, check(made, clients)

        seen, checked = asyncio.run(run())
        table.append((name, seen, checked))


def figures(clients: Clients, start: float, end: float) -> str:
    """The latencies of acks within a period."""
    took = clients.acks_between(start, end)
    assert took, "nothing was acknowledged"
    p95, worst = took[int(0.95 * len(took))], took[-1]
    return f"{len(took)} acks, p95 {p95 * 1000:.0f} ms, worst {worst * 1000:.0f} ms"


async def resumed(clients: Clients, at: float) -> float:
    """Seconds after `at` until later messages have reached all participants of their chat."""
    while True:
        await asyncio.sleep(0.05)
        heard = [{key: when for when, key in one.arrivals if when > at} for one in clients.people]
        for one in clients.people:
            for key, (chat_id, _) in list(one.acked.items())[-20:]:
                if one.sent[key][1] <= at:
                    continue
                others = [
                    heard[place]
                    for place, other in enumerate(clients.people)
                    if chat_id in other.chats and other is not one
                ]
                if all(key in arrived for arrived in others):
                    return max(arrived[key] for arrived in others) - at


def test_web_processes_are_killed_in_turn():
    async def act(made: Deployment, clients: Clients) -> str:
        clients.pause = 0.1
        for kill in range(10):
            web = made.web[kill % 2]
            web.kill()
            await asyncio.to_thread(web.start)
            await asyncio.sleep(0.5)
        return "10 kills"

    play("web processes killed", act)


def test_redis_is_stopped_for_a_minute_and_restarts_empty():
    play("Redis dead for 60 s, back empty", without_redis(60, kill=True))


def test_redis_restarts_empty():
    play("Redis restarted empty", without_redis(0, kill=True))


def test_redis_hangs():
    play("Redis hangs for 30 s", without_redis(30, kill=False))


def without_redis(seconds: float, *, kill: bool) -> Act:
    """No socket closes, sending continues, and others receive messages soon after the return."""

    async def act(made: Deployment, clients: Clients) -> str:
        before, start = clients.closes, time.monotonic()
        if kill:
            made.kill("redis")
        else:
            made.send_signal("redis", signal.SIGSTOP)
        await clients.talk(seconds)
        end = time.monotonic()
        if kill:
            await asyncio.to_thread(made.restart_redis)
        else:
            made.send_signal("redis", signal.SIGCONT)
        back = time.monotonic()
        async with asyncio.timeout(5):
            again = await resumed(clients, back)
        assert clients.closes == before, "a socket was closed"
        took = clients.acks_between(start, end)
        assert not took or took[int(0.95 * len(took))] <= 1.0
        seen = figures(clients, start, end) if took else "at once back"
        clients.pause = 1.0
        drained = await asyncio.to_thread(wait_until_relayed, made)
        return f"{seen}; live again {again:.1f} s after the return, relayed {drained:.1f} s later"

    return act


def wait_until_relayed(made: Deployment) -> float:
    """Wait until all current events are published; returns the seconds."""
    started = time.monotonic()
    ((last,),) = made.query("SELECT max(id) FROM core_outboxevent")
    waiting = f"SELECT count(*) FROM core_outboxevent WHERE published_at IS NULL AND id <= {last}"
    while made.query(waiting) != [(0,)]:
        assert time.monotonic() - started < 60, f"it does not drain: {made.query(waiting)}"
        time.sleep(0.25)
    return time.monotonic() - started


def test_postgresql_crashes():
    async def act(made: Deployment, clients: Clients) -> str:
        for _ in range(2):
            await asyncio.to_thread(made.crash_postgres)
            await asyncio.sleep(2)
            await asyncio.to_thread(made.restart_postgres)
            back = time.monotonic()
            async with asyncio.timeout(20):
                again = await resumed(clients, back)
            await clients.talk(2)
        return f"2 crashes; messages pass again {again:.1f} s after the start"

    play("PostgreSQL crashes (immediate)", act)


def test_worker_is_killed_during_its_tasks():
    async def act(made: Deployment, clients: Clients) -> str:
        for _ in range(5):
            await clients.talk(2.5, pause=0.1)
            made.kill("worker")
            await asyncio.to_thread(made.start_worker)
        await clients.settle(made.last_seqs)
        return await asyncio.to_thread(all_published, made)

    play("worker killed 5 times", act)


def all_published(made: Deployment) -> str:
    """Wait for the relay; check that each event was published, in the order of its chat."""
    wait_until_relayed(made)
    told = made.query(
        "SELECT event_id::text, aggregate_id::text FROM core_outboxevent"
        " WHERE event_type = 'message.sent' ORDER BY id"
    )
    order = {event_id: place for place, (event_id, _) in enumerate(told)}
    of = dict(told)
    seen: dict[str, int] = {}
    repeats = 0
    latest: dict[str, int] = {}
    for event_id in published(made):
        if event_id not in order:
            continue
        if event_id in seen:
            repeats += 1
            continue
        seen[event_id] = 1
        assert order[event_id] > latest.get(of[event_id], -1), "out of order within its chat"
        latest[of[event_id]] = order[event_id]
    assert seen.keys() == order.keys(), "an event did not reach the broker"
    return f"{len(seen):,} events at the broker, {repeats} of them twice"


def published(made: Deployment) -> list[str]:
    """The ids of the events in the broker's stream, in order."""
    client = redis.Redis.from_url(made.redis.url)
    stream = next(key for key in client.scan_iter("*message.sent") if client.type(key) == b"stream")
    ids = []
    for _, fields in client.xrange(stream):
        body = next(value for value in fields.values() if value.startswith(b"{"))
        ids.append(json.loads(body)["event_id"])
    return ids


def test_a_thousand_clients_reconnect_after_both_web_processes_are_killed():
    async def act(made: Deployment, clients: Clients) -> str:
        clients.pause = None
        for web in made.web:
            web.kill()
        for one in clients.people:
            one.connected.clear()
        await asyncio.gather(*(asyncio.to_thread(web.start) for web in made.web))
        up = time.monotonic()
        await clients.all_connected(60)
        took = time.monotonic() - up
        assert took < 20
        await clients.talk(3, pause=5)
        return f"{len(clients.people)} people back {took:.1f} s after the processes were up"

    play("reconnect storm", act, groups=200)


def test_clocks_of_web_processes_are_wrong():
    async def act(made: Deployment, clients: Clients) -> str:
        start = time.monotonic()
        await clients.talk(10)
        return figures(clients, start, time.monotonic())

    play("clocks 10 min fast and slow", act, clocks=(600.0, -600.0))
