"""A supervisor in a separate process, with its own data folder and port."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import sys
import time
from pathlib import Path

import psutil
import pytest

from messenger.local.environment import PROJECT
from messenger.local.processes import Account, spawn, wait_until

READY_SECONDS = 90


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Started:
    """`python -m messenger.local run`, with queries for tests."""

    def __init__(
        self, data: Path, log: Path, account: Account | None = None, **settings: str
    ) -> None:
        # Empty, not missing: a developer's .env must not reach these starts.
        plain = {"DATABASE_URL": "", "REDIS_URL": "", "WEB_PROCESSES": "1", "WEB_SERVER": "daphne"}
        own = {"PORT": str(free_port()), "HOST": "127.0.0.1", "MESSENGER_DATA": str(data)}
        env = {**os.environ, **plain, **own}
        env.pop("DJANGO_SETTINGS_MODULE", None)
        env.update(settings)
        self.port = int(env["PORT"]) if env["PORT"].isdecimal() else 0
        self.log = log
        with log.open("wb") as output:
            self.process = spawn(
                [interpreter_for(account), "-m", "messenger.local", "run"],
                env=env | visible_to(account),
                cwd=PROJECT,
                account=account,
                output=output,
            )

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def wait_until_ready(self) -> None:
        wait_until(
            lambda: "ready: http://" in self.said() or self.process.poll() is not None,
            seconds=READY_SECONDS,
        )
        assert "ready: http://" in self.said(), self.said()

    def processor_seconds(self) -> float:
        """The processor time of the start, which does not depend on the load of the machine."""
        own = psutil.Process(self.process.pid).cpu_times()
        running = [one.cpu_times() for one in self.family()]
        ended = own.children_user + own.children_system
        return ended + sum(times.user + times.system for times in [own, *running])

    def status(self, path: str = "/health") -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        finally:
            connection.close()

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def members(self, *words: str) -> list[psutil.Process]:
        """The direct children whose command line contains one of the words."""
        children = psutil.Process(self.process.pid).children()
        return [child for child in children if any(word in command(child) for word in words)]

    def end(self, number: int = signal.SIGINT) -> float:
        """Stop it; returns the seconds from the signal to the end."""
        began = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(20)
        return time.monotonic() - began


def command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return ""


def visible_to(account: Account | None) -> dict[str, str]:
    """Variables that let the system's Python find the packages of the environment."""
    return {} if account is None else {"PYTHONPATH": os.pathsep.join(sys.path)}


def interpreter_for(account: Account | None) -> str:
    """This Python, or the system's Python of its version if the account cannot execute this one."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    system_python = shutil.which(version, path="/usr/local/bin:/usr/bin")
    for path in filter(None, (sys.executable, system_python)):
        try:
            made = spawn(
                [path, "-c", "import messenger.local"],
                env=os.environ | visible_to(account),
                account=account,
                cwd=PROJECT,
            )
        except PermissionError:
            continue
        if made.wait() == 0:
            return path
    pytest.skip("another user can reach neither this project nor a Python of this version")


def left_of(family: list[psutil.Process], seconds: float = 5) -> list[psutil.Process]:
    """The processes of the family that still run after some seconds."""
    return psutil.wait_procs(family, timeout=seconds)[1]
