"""Embedded and given services, and the search for their programs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import environ
import psutil
import psycopg
import pytest
import redis

from messenger.local import binaries
from messenger.local.environment import PROJECT
from messenger.local.postgres import Postgres
from messenger.local.processes import Account, spawn, wait_until
from messenger.local.services import private_services
from tests.local.started import Started, left_of

PROBE = """
import os, psycopg, redis, sys
with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
    print(connection.execute("SHOW fsync").fetchone()[0])
print(redis.Redis.from_url(os.environ["REDIS_URL"]).ping(), os.environ["DATABASE_URL"])
sys.exit(3)
"""


def test_exec_runs_a_command_with_separate_services_and_returns_its_exit_code() -> None:
    env = {**os.environ, "TEST_DATABASE_URL": "", "TEST_REDIS_URL": ""}
    command = [sys.executable, "-m", "messenger.local", "exec", "--", sys.executable, "-c", PROBE]
    done = subprocess.run(
        command, cwd=PROJECT, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 3, done.stderr
    assert done.stdout.startswith("on\nTrue postgres://")
    assert os.environ["DATABASE_URL"] not in done.stdout
    sockets = environ.Env.db_url_config(done.stdout.split()[-1])["OPTIONS"]["host"]
    assert not Path(sockets).exists()


def test_given_addresses_prevent_embedded_services(
    start: Callable[..., Started], tmp_path: Path
) -> None:
    with private_services() as urls:
        with psycopg.connect(urls["DATABASE_URL"], autocommit=True) as connection:
            connection.execute("CREATE DATABASE given")
        elsewhere = urls["DATABASE_URL"].replace("/messenger?", "/given?")
        begun = start(DATABASE_URL=elsewhere, REDIS_URL=urls["REDIS_URL"])
        begun.wait_until_ready()
        assert begun.status("/") < 400
        assert begun.members("/postgres", "/redis-server") == []
        assert not (tmp_path / "data" / "postgres").exists()
        with psycopg.connect(elsewhere) as connection:
            assert connection.execute("SELECT count(*) FROM django_migrations").fetchone() > (0,)
        assert begun.end() < 5


def test_redis_requires_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_REDIS_URL", raising=False)
    with private_services() as urls:
        address = urls["REDIS_URL"].split("@")[1]
        with pytest.raises(redis.AuthenticationError):
            redis.Redis.from_url(f"redis://{address}").ping()


def test_lock_file_with_the_id_of_another_process_does_not_prevent_the_start(
    tmp_path: Path,
) -> None:
    server = Postgres(tmp_path)
    first = server.start()
    lock = server.data / "postmaster.pid"
    words = lock.read_text()
    server.stop(first)
    lock.write_text(words.replace(str(first.pid), str(os.getpid()), 1))
    if server.account is not None:
        os.chown(lock, server.account.uid, server.account.gid)
    second = server.start()
    server.stop(second)
    server.discard()


def test_start_waits_for_the_server_of_a_killed_run(tmp_path: Path) -> None:
    server = Postgres(tmp_path)
    first = server.start()
    with psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
        connection.commit()
        # With a connection open, its process outlives the server for a moment.
        first.kill()
        first.wait()
        second = server.start()
    with psycopg.connect(server.url) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)
    server.stop(second)
    server.discard()


def test_inaccessible_programs_are_copied(
    other_user: Account, open_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packaged = binaries._package_folder(binaries.POSTGRES_WHEEL)
    if packaged is None:
        pytest.skip("the wheel with PostgreSQL is not installed")
    shut = tmp_path / "site-packages"
    for name in (Path(packaged.name) / binaries.POSTGRES_HOME, Path(f"{packaged.name}.libs")):
        if (packaged.parent / name).exists():
            shutil.copytree(packaged.parent / name, shut / name, symlinks=True)
    monkeypatch.setattr(binaries, "_package_folder", lambda _: shut / packaged.name)
    monkeypatch.setattr(binaries, "shared_temp", lambda: open_folder)
    tmp_path.chmod(0o700)

    folder = binaries.postgres_folder(other_user)

    assert folder.is_relative_to(open_folder)
    made = spawn([folder / "initdb", "--version"], account=other_user, cwd=open_folder)
    assert made.wait() == 0
    assert binaries.postgres_folder(other_user) == folder


def test_forked_children_end_with_their_process(tmp_path: Path) -> None:
    (tmp_path / "forking.py").write_text(
        "import os, time\nos.fork()\nprint(os.getpid(), flush=True)\ntime.sleep(60)\n"
    )
    path = os.pathsep.join([str(PROJECT), str(tmp_path)])
    with (tmp_path / "log").open("wb") as log:
        begun = spawn(
            [sys.executable, "-m", "messenger.local.child", "forking"],
            env={**os.environ, "PYTHONPATH": path},
            output=log,
        )

    assert wait_until(lambda: (tmp_path / "log").read_text().count("\n") == 2, seconds=10)
    family = psutil.Process(begun.pid).children()
    assert len(family) == 1
    begun.kill()
    begun.wait()
    assert left_of(family, seconds=2) == []
