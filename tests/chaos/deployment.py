"""A complete deployment for fault tests: PostgreSQL, Redis, web processes and a worker."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from messenger.local.folders import shared_temp
from messenger.local.postgres import Postgres
from messenger.local.redis import Redis
from tests.chaos.clients import Clients
from tests.web import ROOT, WebProcess

# A web process whose wall clock is wrong by CLOCK_OFFSET seconds; its monotonic clock is right.
WRONG_CLOCK = """
import os, runpy, sys, time
import time_machine
time_machine.travel(time.time() + float(os.environ["CLOCK_OFFSET"]), tick=True).start()
sys.argv[0] = "messenger.serve"
runpy.run_module("messenger.serve", run_name="__main__")
"""


class Deployment:
    """All processes, with methods that kill, stop and restart them."""

    def __init__(self, folder: Path) -> None:
        self.postgres, self.redis = Postgres(folder), Redis(folder)
        self.processes = {
            "postgres": self.postgres.start(),
            "redis": self.redis.start(),
        }
        self.env = {
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.redis.url,
            "DJANGO_SETTINGS_MODULE": "messenger.settings.dev",
            "SECRET_KEY": "chaos-" + os.urandom(16).hex(),
            "EMAIL_URL": "dummymail://",
            "LIMITS_SCALE": "1000",
            "LOG_LEVEL": "CRITICAL",
            "MESSENGER_DATA": str(folder),
            "EVENT_BROKER_TYPE": "redis",
        }
        self.web: list[WebProcess] = []
        self.run("manage.py", "migrate", "-v0")

    def run(self, *command: str) -> str:
        """Run a Python program of the project; returns its output."""
        done = subprocess.run(
            [sys.executable, *command],
            cwd=ROOT,
            env={**os.environ, **self.env},
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        return done.stdout

    def people(self, groups: int, size: int, outsiders: int) -> list[dict[str, Any]]:
        """Create groups of users, and users without a group; returns them with tokens."""
        printed = self.run("-m", "tests.chaos.seed", str(groups), str(size), str(outsiders))
        entries: list[dict[str, Any]] = json.loads(printed.splitlines()[-1])
        return entries

    def start_web(self, *, clock: float = 0.0) -> WebProcess:
        """Start a web process whose clock is wrong by `clock` seconds."""
        argv = [sys.executable, "-c", WRONG_CLOCK] if clock else None
        web = WebProcess(argv, **self.env, CLOCK_OFFSET=str(clock))
        self.web.append(web)
        return web

    def start_worker(self) -> None:
        """Start a Celery worker with beat."""
        command = (
            "-W ignore -m celery --quiet -A messenger worker --beat --pool threads --concurrency 2"
        )
        command += f" --loglevel CRITICAL --schedule {self.env['MESSENGER_DATA']}/beat"
        self.processes["worker"] = subprocess.Popen(
            [sys.executable, *command.split()],
            cwd=ROOT,
            env={**os.environ, **self.env, "C_FORCE_ROOT": "1"},
        )

    def kill(self, name: str) -> None:
        """`kill -9`."""
        self.processes[name].kill()
        self.processes[name].wait()

    def send_signal(self, name: str, number: int) -> None:
        """Send SIGSTOP or SIGCONT."""
        self.processes[name].send_signal(number)

    def restart_redis(self) -> None:
        """Restart Redis without data at the same address."""
        self.processes["redis"] = self.redis.start()

    def crash_postgres(self) -> None:
        """Stop at once, without a checkpoint, like `pg_ctl stop -m immediate`."""
        self.processes["postgres"].send_signal(signal.SIGQUIT)
        self.processes["postgres"].wait(10)

    def restart_postgres(self) -> None:
        """Restart PostgreSQL, which recovers from its log."""
        self.processes["postgres"] = self.postgres.start()

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Query the database directly."""
        with psycopg.connect(self.postgres.url, autocommit=True) as connection:
            return connection.execute(sql).fetchall()

    def last_seqs(self) -> dict[str, int]:
        """The last `seq` of each chat."""
        return dict(self.query("SELECT id::text, last_seq FROM chats_chat"))

    def end(self) -> None:
        """Stop all processes."""
        for web in self.web:
            if web.process is not None and web.process.poll() is None:
                web.process.send_signal(signal.SIGCONT)
                web.kill()
        for process in reversed(self.processes.values()):
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.send_signal(signal.SIGTERM)
        for name in ("worker", "redis"):
            if name in self.processes:
                try:
                    self.processes[name].wait(5)
                except subprocess.TimeoutExpired:
                    self.processes[name].kill()
        if self.processes["postgres"].poll() is None:
            self.postgres.stop(self.processes["postgres"])
        self.postgres.discard()


@contextmanager
def deployment() -> Iterator[Deployment]:
    """A deployment that is removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="lumin-chaos-", dir=shared_temp()))
    made = Deployment(folder)
    try:
        yield made
    finally:
        made.end()
        shutil.rmtree(folder, ignore_errors=True)


def check(deployment: Deployment, clients: Clients) -> str:
    """Check the invariants after all messages were received; returns a line for the report.

    Acknowledged ⊆ received ⊆ acknowledged ∪ unanswered; each message once, in order, without gaps;
    outsiders receive nothing.
    """
    stored: dict[str, tuple[str, int]] = {
        message_id: (chat_id, seq)
        for message_id, chat_id, seq in deployment.query(
            "SELECT id::text, chat_id::text, seq FROM messaging_message"
        )
    }
    acked = {key: position for one in clients.people for key, position in one.acked.items()}
    sent = {key for one in clients.people for key in one.sent}
    assert acked.items() <= stored.items(), "an acknowledged message is lost, or elsewhere"
    assert stored.keys() <= sent, "a message is stored that no client has sent"
    for chat_id, last_seq in deployment.last_seqs().items():
        seqs = sorted(seq for chat, seq in stored.values() if chat == chat_id)
        assert seqs == list(range(1, last_seq + 1)), "a gap, or a seq used twice"
    for one in clients.people:
        mine = {
            (chat_id, seq, key) for key, (chat_id, seq) in stored.items() if chat_id in one.chats
        }
        seen = {
            (chat_id, seq, message["id"])
            for chat_id, chat in one.mirror.chats.items()
            for seq, message in chat.held.items()
        }
        assert seen == mine, "a client lacks a message, or received one of another chat"
        for chat in one.mirror.chats.values():
            assert chat.shown == list(range(1, chat.seq + 1)), "shown twice, or out of order"
    emitted = Counter(
        key
        for (key,) in deployment.query(
            "SELECT payload->>'id' FROM core_outboxevent WHERE event_type = 'message.sent'"
        )
    )
    assert emitted == Counter(stored.keys()), "an event is missing, or was written twice"
    return f"{len(acked):,} acked = {len(stored):,} stored, {reconnects(clients):,} reconnects"


def reconnects(clients: Clients) -> int:
    """How often clients reconnected."""
    return sum(one.connections - 1 for one in clients.people)
