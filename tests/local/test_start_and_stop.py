"""First and second start, Ctrl-C, and kill -9."""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import Callable
from pathlib import Path

import psycopg

from messenger.local.binaries import service_account
from messenger.local.folders import secret_key, socket_folder
from messenger.local.postgres import NAME
from messenger.local.processes import Account, wait_until
from tests.local.started import Started, command, left_of

Start = Callable[..., Started]


def celeries(running: Started) -> int:
    return sum("child celery" in command(one) for one in running.family())


def database_of(data: Path) -> psycopg.Connection:
    sockets = socket_folder(data, service_account())
    return psycopg.connect(host=str(sockets), user=NAME, dbname=NAME, autocommit=True)


def test_kill_9_leaves_no_process_and_keeps_the_data(start: Start, tmp_path: Path) -> None:
    first = start()
    first.wait_until_ready()
    assert first.processor_seconds() < 20
    assert first.status("/") < 400
    with database_of(tmp_path / "data") as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    key = (tmp_path / "data" / "secret_key").read_text()
    # The worker and the beat it has forked: the kernel ties only the first of them to its parent.
    assert wait_until(lambda: celeries(first) == 2, seconds=15)
    family = first.family()

    first.end(signal.SIGKILL)
    assert left_of(family) == []

    second = start()
    second.wait_until_ready()
    assert second.processor_seconds() < 12
    with database_of(tmp_path / "data") as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)
    assert (tmp_path / "data" / "secret_key").read_text() == key
    family = second.family()

    assert second.end(signal.SIGINT) < 5
    assert second.process.returncode == 0
    assert left_of(family, seconds=0.5) == []


def test_only_the_first_start_creates_demo_accounts(start: Start, tmp_path: Path) -> None:
    first = start()
    first.wait_until_ready()
    assert "demo" in first.said()
    made = (tmp_path / "data" / "seed_demo.done").stat().st_mtime_ns
    assert first.end(signal.SIGTERM) < 5

    second = start(CONSUME_COMMANDS="yes")
    second.wait_until_ready()
    # The first start was not configured to consume commands.
    assert wait_until(
        lambda: any("consume_commands" in command(one) for one in second.family()), seconds=60
    )
    assert (tmp_path / "data" / "seed_demo.done").stat().st_mtime_ns == made


def test_secret_key_is_created_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    key = secret_key(tmp_path)
    assert len(key) > 60
    assert secret_key(tmp_path) == key
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600


def test_user_other_than_root_can_run_it(
    start: Start, other_user: Account, open_folder: Path
) -> None:
    data = open_folder / "data"
    data.mkdir()
    os.chown(data, other_user.uid, other_user.gid)
    begun = start(data, other_user)
    begun.wait_until_ready()
    assert begun.status("/") < 400
    assert {one.uids().effective for one in begun.family()} == {other_user.uid}
    assert begun.end() < 5
