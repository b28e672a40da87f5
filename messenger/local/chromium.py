"""Chromium for tests in a browser."""

from __future__ import annotations

from pathlib import Path

from messenger.local.debian import program_or_reason

CHROMIUM = Path("/usr/bin/chromium")


def browser_or_reason() -> str:
    """Install Chromium if needed and possible; the reason where it is missing, else empty."""
    return program_or_reason(CHROMIUM, "chromium")
