"""A child process that is restarted when it ends."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterable

from messenger.local.announce import say
from messenger.local.errors import LocalError

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 10.0
# After this many seconds of running, the next end counts as the first.
HEALTHY_AFTER = 30.0


class SupervisedProcess:
    """Restarts one child process. Call `poll` often; `start` starts the process."""

    def __init__(self, name: str, start: Callable[[], subprocess.Popen[bytes]]) -> None:
        self.name = name
        self.start = start
        self.process: subprocess.Popen[bytes] | None = None
        self.ends = 0
        self.since = 0.0
        self.due = 0.0

    def begin(self) -> None:
        """Start for the first time. Raises `LocalError` where that fails."""
        self.process = self.start()
        self.since = time.monotonic()

    def poll(self) -> None:
        """Restart the process if it has ended, after a pause that doubles with each failure."""
        now = time.monotonic()
        if self.process is not None:
            if self.process.poll() is None:
                return
            if now - self.since > HEALTHY_AFTER:
                self.ends = 0
            self._schedule_restart(now, f"ended {_exit_description(self.process.returncode)}")
        if now >= self.due:
            try:
                self.begin()
            except LocalError as error:
                self._schedule_restart(now, f"cannot start: {error}")

    def _schedule_restart(self, now: float, what: str) -> None:
        pause = min(FIRST_PAUSE * 2**self.ends, LONGEST_PAUSE)
        self.process = None
        self.ends += 1
        self.due = now + pause
        say(f"{self.name} {what}; restarting in {pause:.1f} s")


def stop_together(children: Iterable[SupervisedProcess], *, patience: float) -> None:
    """Terminate all; kill those that are still alive after `patience` seconds."""
    processes = [child.process for child in children if child.process is not None]
    for process in processes:
        process.terminate()
    end = time.monotonic() + patience
    for process in processes:
        try:
            process.wait(max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _exit_description(code: int) -> str:
    return f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
