"""Chromium for the tests in a real browser."""

from __future__ import annotations

from pathlib import Path

from messenger.local.debian import program_or_reason

CHROMIUM = Path("/usr/bin/chromium")


def browser_or_reason() -> str:
    """Empty once Chromium is there, else why it is not; installs it where we are root on Debian."""
    return program_or_reason(CHROMIUM, "chromium")
