"""`make bench`: figures of the messenger, with the limits of the machine beside them.

Everything runs on this machine: services of its own, real web processes, the load generator.
`--quick` makes one short run instead of three.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg

from bench.limits import pgbench, raw_room
from messenger.local.binaries import postgres_folder, service_account
from messenger.local.services import private_services

ROOM = 500


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--server", choices=["daphne", "uvicorn"], action="append")
    parser.add_argument("--only", help="one scenario of the load generator")
    arguments = parser.parse_args()
    seconds, runs = (4, 1) if arguments.quick else (8, 3)
    with ExitStack() as stack:
        os.environ.update(stack.enter_context(private_services()))
        os.environ.update(
            DJANGO_SETTINGS_MODULE="messenger.settings.dev",
            SECRET_KEY="bench-" + os.urandom(16).hex(),
            LIMITS_SCALE="1000",
            LOG_LEVEL="WARNING",
        )
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        run(sys.executable, "manage.py", "migrate", "-v0")
        run(sys.executable, "-m", "bench.seed", str(folder / "data.json"))
        table = Table(seconds, runs)
        limits = measure_limits(seconds) if not arguments.only else {}
        stack.enter_context(worker(folder))
        for server in arguments.server or ["daphne", "uvicorn"]:
            for processes in (1, 2):
                with web(server, processes) as (port, pids):
                    os.environ["BENCH_PIDS"] = ",".join(map(str, pids))
                    for scenario in [arguments.only] if arguments.only else SCENARIOS:
                        if scenario in ONCE and processes > 1:
                            continue
                        table.add(server, processes, scenario, folder / "data.json", port)
        print_table(table, limits)


# The large group last: clients that connect later have thousands of messages to replay.
SCENARIOS = ("pairs", "lone", "rate", "catch_up", "connections", "room")
# Scenarios of a minute whose figures do not vary: one run with one process.
ONCE = {"connections"}


class Table:
    """The figures, each the median of several runs."""

    def __init__(self, seconds: float, runs: int) -> None:
        self.seconds, self.runs = seconds, runs
        self.rows: dict[tuple[str, int, str], dict[str, Any]] = {}

    def add(self, server: str, processes: int, scenario: str, data: Path, port: int) -> None:
        command = [sys.executable, "-m", "bench.load", scenario, str(data), str(port)]
        found = []
        for _ in range(1 if scenario in ONCE else self.runs):
            done = subprocess.run(
                [*command, str(self.seconds)], check=True, capture_output=True, text=True
            )
            found.append(json.loads(done.stdout))
            time.sleep(1)
        waiting = relay_lag()
        figures = {
            name: statistics.median(one[name] for one in found)
            for name in found[0]
            if name != "errors"
        }
        errors = [one["errors"] for one in found if one.get("errors")]
        self.rows[server, processes, scenario] = {**figures, "errors": errors}
        print(
            f"  {server} ×{processes} {scenario}: {figures} {errors or ''}"
            f" ({waiting:,} events wait for the relay)",
            flush=True,
        )


def relay_lag() -> int:
    """The number of events that are not published yet."""
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        row = connection.execute(
            "SELECT count(*) FROM core_outboxevent WHERE published_at IS NULL"
        ).fetchone()
    return row[0] if row else 0


def measure_limits(seconds: int) -> dict[str, float]:
    """Rows/s of pgbench and deliveries/s of a raw server, on the idle machine."""
    folder, url = postgres_folder(service_account()), os.environ["DATABASE_URL"]
    limits = {
        "pgbench_1": pgbench(folder, url, rows=1, clients=32, seconds=seconds),
        "pgbench_64": pgbench(folder, url, rows=64, clients=2, seconds=seconds),
        "raw_room": raw_room(ROOM, seconds),
    }
    print(f"  limits: {limits}", flush=True)
    return limits


@contextmanager
def worker(folder: Path) -> Iterator[None]:
    """Run a Celery worker with beat, like the supervisor, for relay and fan-out."""
    command = "-W ignore -m celery --quiet -A messenger worker --beat --pool threads"
    command += f" --concurrency 2 --loglevel ERROR --schedule {folder / 'beat'}"
    process = subprocess.Popen([sys.executable, *command.split()], start_new_session=True)
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def web(server: str, processes: int) -> Iterator[tuple[int, list[int]]]:
    """Run web processes on one address, like the supervisor; yields port and pids."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=2048)) as listener:
        port = listener.getsockname()[1]
        running = [
            subprocess.Popen(
                [sys.executable, "-m", "messenger.serve", "--fd", str(listener.fileno())],
                pass_fds=[listener.fileno()],
                env={**os.environ, "WEB_SERVER": server},
            )
            for _ in range(processes)
        ]
        try:
            for _ in range(10):  # so that every process answers some
                wait_for(port)
            time.sleep(2)
            yield port, [process.pid for process in running]
        finally:
            for process in running:
                process.terminate()
            for process in running:
                process.wait()


def wait_for(port: int) -> None:
    """Wait until the address answers, at most 30 s."""
    deadline = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def print_table(table: Table, limits: dict[str, float]) -> None:
    """Print figures and limits in one table."""
    print(
        f"\n{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; "
        f"median of {table.runs} runs of {table.seconds} s; all on this machine\n"
    )
    print(f"{'figure':<44}{'value':>14}  of the limit")
    for (server, processes, scenario), row in table.rows.items():
        name = f"{scenario}, {server} ×{processes}"
        if "per_second" in row:
            unit = "deliveries/s" if scenario == "room" else "messages/s"
            limit = limits.get("raw_room" if scenario == "room" else "pgbench_64")
            share = f"{row['per_second'] / limit:.2f}" if limit else ""
            print(f"{name + ', ' + unit:<44}{row['per_second']:>14,.0f}  {share}")
        if "p50" in row:
            times = " / ".join(f"{row[quantile]:.1f}" for quantile in ("p50", "p95", "p99"))
            print(f"{name + ', ms p50 / p95 / p99':<44}{times:>14}")
        for figure in ("KiB each", "opened/s", "still open"):
            if figure in row:
                print(f"{name + ', ' + figure:<44}{row[figure]:>14,.0f}")
        if row["errors"]:
            print(f"  errors: {row['errors']}")
    for name, value in limits.items():
        print(f"{'limit: ' + LIMIT_NAMES[name]:<44}{value:>14,.0f}")


LIMIT_NAMES = {
    "pgbench_1": "pgbench, one row a commit, rows/s",
    "pgbench_64": "pgbench, 64 rows a statement, rows/s",
    "raw_room": "raw server, room of 500, deliveries/s",
}


def run(*command: str) -> None:
    """Run a command. Raises if it fails."""
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
