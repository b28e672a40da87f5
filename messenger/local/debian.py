"""Programs for tests that come as Debian packages."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

from messenger.local.folders import shared_temp

INSTALL_SECONDS = 300


def program_or_reason(program: Path, package: str) -> str:
    """Install `package` if `program` is missing; the reason where that fails, else empty.

    Only root on Debian can install. Takes up to 10 minutes.
    """
    # Parallel test processes call this together: one installs, the others wait.
    with (shared_temp() / f"lumin-{package}-{os.geteuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if program.exists():
            return ""
        if os.geteuid() != 0 or shutil.which("apt-get") is None:
            return f"there is no {program}, and only root on Debian can install it here"
        return _installed_or_reason(program, package)


def _installed_or_reason(program: Path, package: str) -> str:
    # In this runlevel packages do not start their servers.
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for command in (["apt-get", "update"], ["apt-get", "install", "-y", package]):
        try:
            subprocess.run(
                command, env=quiet, check=True, capture_output=True, timeout=INSTALL_SECONDS
            )
        except (OSError, subprocess.SubprocessError) as error:
            return f"there is no {program}, and `{' '.join(command)}` failed: {error}"
    return "" if program.exists() else f"apt-get installed {package}, but not as {program}"
