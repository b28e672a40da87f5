"""Compiles translation catalogues without gettext's tools."""

from __future__ import annotations

import os
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from messenger.local.environment import PROJECT


def compile_translations(project: Path = PROJECT) -> list[Path]:
    """Write the `.mo` beside each `.po` that is newer; returns the written files.

    Does nothing in a project folder without write permission.
    """
    written = []
    catalogues = [
        *project.glob("locale/*/LC_MESSAGES/*.po"),
        *project.glob("apps/*/locale/*/LC_MESSAGES/*.po"),
    ]
    for source in catalogues:
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        with source.open("rb") as text:
            catalogue = read_po(text)
        # Replaced in one step: another process may be reading it.
        unfinished = target.with_name(f"{os.getpid()}.mo")
        try:
            with unfinished.open("wb") as compiled:
                write_mo(compiled, catalogue)
        except PermissionError:
            continue
        unfinished.replace(target)
        written.append(target)
    return written
