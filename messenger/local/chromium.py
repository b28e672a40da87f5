"""Chromium for the tests in a real browser: the machine's own, installed where that is possible."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

from messenger.local.folders import shared_temp

CHROMIUM = Path("/usr/bin/chromium")
INSTALL_SECONDS = 300


def browser_or_reason() -> str:
    """Empty once Chromium is there, else why it is not; installs it where we are root on Debian."""
    # Parallel test processes come here together: one installs, the others then find it.
    with (shared_temp() / f"lumin-chromium-{os.geteuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if CHROMIUM.exists():
            return ""
        if os.geteuid() != 0 or shutil.which("apt-get") is None:
            return f"there is no {CHROMIUM}, and only root on Debian can install it here"
        return _installed_or_reason()


def _installed_or_reason() -> str:
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update"], ["apt-get", "install", "-y", "chromium"]):
        try:
            subprocess.run(
                command, env=quiet, check=True, capture_output=True, timeout=INSTALL_SECONDS
            )
        except (OSError, subprocess.SubprocessError) as error:
            return f"there is no {CHROMIUM}, and `{' '.join(command)}` failed: {error}"
    return "" if CHROMIUM.exists() else f"apt-get installed chromium, but not as {CHROMIUM}"
