"""An embedded PostgreSQL server, durable, reachable only through a socket in a private folder."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from functools import cached_property, partial
from pathlib import Path
from urllib.parse import quote

import psycopg

from messenger.local.binaries import postgres_folder, service_account
from messenger.local.errors import LocalError
from messenger.local.folders import socket_folder
from messenger.local.processes import spawn, stop, wait_until

NAME = "messenger"
START_SECONDS = 30.0
# How long the server of a killed start may take to end and to free its shared memory.
STALE_SECONDS = 10.0


class Postgres:
    """One PostgreSQL server with its data in `folder`, which is initialised when empty."""

    label = "postgres"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.account = service_account()
        self.programs = postgres_folder(self.account)
        self.data = folder / "postgres"
        self.log = folder / "postgres.log"
        self.sockets = socket_folder(folder, self.account)
        # `nobody` may be unable to enter the folders above root's data. The process changes to the
        # data folder before it becomes `nobody`; this path then reaches the folder.
        self.data_path = self.data if self.account is None else Path("/proc/self/cwd")

    @property
    def url(self) -> str:
        """The DATABASE_URL of this server, understood by Django's settings and by libpq alike."""
        return f"postgres://{NAME}@/{NAME}?host={quote(str(self.sockets))}"

    def start(self) -> subprocess.Popen[bytes]:
        """Start and return the server once it answers. Raises LocalError when it does not."""
        self._make_cluster()
        self._check_owner_and_version()
        if not wait_until(self._no_server_left, seconds=STALE_SECONDS, pause=0.1):
            raise LocalError(
                f"Another PostgreSQL still runs on {self.data}. Stop it, then start again."
            )
        # Children of a killed server end a moment after it; until then its shared memory is in use.
        patience = time.monotonic() + STALE_SECONDS
        while True:
            process = self._launch()
            settled = wait_until(partial(self._settled, process), seconds=START_SECONDS)
            if settled and process.poll() is None:
                return process
            stop(process, signal.SIGQUIT, patience=2)
            if not settled or time.monotonic() > patience:
                raise LocalError(
                    f"PostgreSQL did not start; its log {self.log} ends with:\n{self._log_tail()}"
                )
            time.sleep(0.25)

    def stop(self, process: subprocess.Popen[bytes], patience: float = 2.0) -> None:
        """Shut down fast; immediately after `patience` seconds, with recovery at the next start."""
        stop(process, signal.SIGINT, signal.SIGQUIT, patience=patience)

    def discard(self) -> None:
        """Remove the socket folder. For servers whose data is removed as well."""
        shutil.rmtree(self.sockets, ignore_errors=True)

    def _make_cluster(self) -> None:
        if (self.data / "PG_VERSION").exists():
            return
        # Renamed when complete, so that an interrupted start leaves no incomplete cluster.
        unfinished = self.folder / "postgres.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        if self.account is not None:
            os.chown(unfinished, self.account.uid, self.account.gid)
        target = unfinished if self.account is None else self.data_path
        command: list[str | Path] = [self.programs / "initdb", "-D", target, "-U", NAME]
        command += ["--encoding=UTF8", "--locale=C"]
        command += ["--auth-local=trust", "--auth-host=reject"]
        if self._program_version >= 17:
            command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        with self.log.open("ab") as log:
            made = spawn(command, cwd=unfinished, account=self.account, output=log)
            if made.wait() != 0:
                raise LocalError(
                    f"PostgreSQL's data could not be made; {self.log} ends with:\n"
                    f"{self._log_tail()}"
                )
        unfinished.rename(self.data)

    def _check_owner_and_version(self) -> None:
        uid = os.geteuid() if self.account is None else self.account.uid
        if self.data.stat().st_uid != uid:
            raise LocalError(
                f"{self.data} belongs to another user: either root created it, or root is to "
                "use a user's data. Start as its owner, or name another folder with MESSENGER_DATA."
            )
        version = int((self.data / "PG_VERSION").read_text())
        if version != self._program_version:
            raise LocalError(
                f"{self.data} was made by PostgreSQL {version}; the one found here is "
                f"{self._program_version}. Use that version again, or name another folder with "
                "MESSENGER_DATA."
            )

    @cached_property
    def _program_version(self) -> int:
        words = subprocess.run(
            [self.programs / "postgres", "--version"], capture_output=True, text=True, check=True
        )
        return int(re.findall(r"\d+", words.stdout)[0])

    def _no_server_left(self) -> bool:
        """Whether no server uses the data; removes lock files of a server that has ended."""
        lock = self.data / "postmaster.pid"
        try:
            pid = int(lock.read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            pid = 0
        # After a reboot another process may have this id; PostgreSQL would take it for a server.
        if pid and _works_in(pid, self.data):
            return False
        for stale in (lock, *self.sockets.glob(".s.PGSQL.*")):
            stale.unlink(missing_ok=True)
        return True

    def _launch(self) -> subprocess.Popen[bytes]:
        settings = {
            "unix_socket_directories": self.sockets,
            "unix_socket_permissions": "0700",
            "listen_addresses": "",
            "max_connections": 200,
            "timezone": "UTC",
            "log_timezone": "UTC",
            # Starts, stops and crashes only: failed statements would reveal message texts.
            "log_min_messages": "log",
            "log_checkpoints": "off",
        }
        command: list[str | Path] = [self.programs / "postgres", "-D", self.data_path]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with self.log.open("ab") as log:
            # SIGQUIT: an immediate shutdown of the server and its children.
            return spawn(
                command,
                cwd=self.data,
                account=self.account,
                output=log,
                death_signal=signal.SIGQUIT,
            )

    def _settled(self, process: subprocess.Popen[bytes]) -> bool:
        return process.poll() is not None or self._answers()

    def _answers(self) -> bool:
        try:
            with psycopg.connect(
                host=str(self.sockets), user=NAME, dbname="postgres", autocommit=True
            ) as connection:
                found = connection.execute(
                    "SELECT 1 FROM pg_database WHERE datname = %s", [NAME]
                ).fetchone()
                if found is None:
                    connection.execute(f"CREATE DATABASE {NAME}")
        except psycopg.OperationalError:
            return False
        return True

    def _log_tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-12:])


def _works_in(pid: int, folder: Path) -> bool:
    """Whether the process is alive and works in `folder`, as a server does in its data folder."""
    if sys.platform != "linux":
        return (
            subprocess.run(["ps", "-p", str(pid)], capture_output=True, check=False).returncode == 0
        )
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == folder.resolve()
    except OSError:
        return False
