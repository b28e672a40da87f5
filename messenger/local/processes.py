"""Child processes that end with their parent, and how to stop them."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1
# Loaded before any fork: nothing may be imported between fork and exec.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Account:
    """The system account a child runs as."""

    uid: int
    gid: int


def die_with_parent(death_signal: int = signal.SIGKILL) -> None:
    """Have the kernel send `death_signal` to this process when its parent ends (Linux only)."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)


def _before_exec(parent: int, death_signal: int) -> Callable[[], None]:
    def before_exec() -> None:
        die_with_parent(death_signal)
        # The parent may have died between the fork and the call above: no signal comes then.
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)

    return before_exec


def spawn(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    account: Account | None = None,
    output: IO[bytes] | None = None,
    stdin: IO[bytes] | int = subprocess.DEVNULL,
    pass_fds: Iterable[int] = (),
    death_signal: int = signal.SIGKILL,
) -> subprocess.Popen[bytes]:
    """Start a child that ends with this process, in a separate session (Ctrl-C does not reach it).

    Call it from the main thread: the kernel ends the child with the thread that started it.
    """
    return subprocess.Popen(
        [str(part) for part in argv],
        env=None if env is None else dict(env),
        cwd=cwd,
        stdin=stdin,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        pass_fds=tuple(pass_fds),
        start_new_session=True,
        preexec_fn=_before_exec(os.getpid(), death_signal),  # noqa: PLW1509  one ctypes call, nothing imported
        user=None if account is None else account.uid,
        group=None if account is None else account.gid,
        extra_groups=None if account is None else [],
    )


def stop(process: subprocess.Popen[bytes], *signals: int, patience: float) -> None:
    """Send the signals in turn, `patience` seconds apart, then kill the process."""
    for number in signals:
        if process.poll() is not None:
            return
        process.send_signal(number)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue
    if process.poll() is None:
        process.kill()
        process.wait()


def wait_until(ready: Callable[[], bool], *, seconds: float, pause: float = 0.02) -> bool:
    """Call `ready` until it is true or the time is up; returns its last result."""
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() >= end:
            return False
        time.sleep(pause)
    return True
