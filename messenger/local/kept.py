"""A child process that comes back when it ends by itself."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterable

from messenger.local.announce import say
from messenger.local.errors import LocalError

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 10.0
# One that has lived this long is well again: its next end counts as the first.
WELL_AFTER = 30.0


class Kept:
    """Holds one child up: `tend` it often; `start` makes the process anew."""

    def __init__(self, name: str, start: Callable[[], subprocess.Popen[bytes]]) -> None:
        self.name = name
        self.start = start
        self.process: subprocess.Popen[bytes] | None = None
        self.ends = 0
        self.since = 0.0
        self.due = 0.0

    def begin(self) -> None:
        """The first start; whatever is wrong with it is raised."""
        self.process = self.start()
        self.since = time.monotonic()

    def tend(self) -> None:
        """Notice an end, and start anew after a pause, which doubles with each end in a row."""
        now = time.monotonic()
        if self.process is not None:
            if self.process.poll() is None:
                return
            if now - self.since > WELL_AFTER:
                self.ends = 0
            self._plan_return(now, f"ended {_how(self.process.returncode)}")
        if now >= self.due:
            try:
                self.begin()
            except LocalError as error:
                self._plan_return(now, f"cannot start: {error}")

    def _plan_return(self, now: float, what: str) -> None:
        pause = min(FIRST_PAUSE * 2**self.ends, LONGEST_PAUSE)
        self.process = None
        self.ends += 1
        self.due = now + pause
        say(f"{self.name} {what}; it comes back in {pause:.1f} s")


def stop_together(children: Iterable[Kept], *, patience: float) -> None:
    """Ask all of them to end, and kill those that have not after `patience` seconds."""
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


def _how(code: int) -> str:
    return f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
