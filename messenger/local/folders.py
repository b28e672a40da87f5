"""The data folder with its lock and keys, and temporary folders."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from messenger.local.errors import LocalError
from messenger.local.processes import Account


def shared_temp() -> Path:
    """A temporary folder that every account can enter, with a path short enough for sockets."""
    # TMPDIR may be long or inside a home folder; the path of a socket has at most 107 bytes.
    common = Path("/tmp")  # noqa: S108  what is made in it is private or checked
    return common if os.access(common, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())


def claim_data_folder(folder: Path) -> IO[str]:
    """Create the data folder and lock it for as long as the returned file is open.

    Raises LocalError where the folder cannot be written, or is in use by another start.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise LocalError(
            f"The data folder {folder} cannot be written ({error.strerror}). "
            "Make it writable, or name another with MESSENGER_DATA."
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.seek(0)
        raise LocalError(
            f"The data folder {folder} is in use: Lumin already runs on it, as process "
            f"{lock.read().strip()}. Stop that one, or name another folder with MESSENGER_DATA."
        ) from error
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def empty_folder(folder: Path) -> Path:
    """The folder, emptied of files of an earlier start."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def secret_key(folder: Path) -> str:
    """The secret key of this installation, made at the first start, readable by its owner only."""
    return _read_or_create(folder / "secret_key", lambda: secrets.token_urlsafe(64))


def vapid_private_key(folder: Path) -> str:
    """The key that signs Web Push, a number below the order of the curve P-256."""
    return _read_or_create(folder / "vapid_private_key", _vapid_private_key)


P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def _vapid_private_key() -> str:
    number = secrets.randbelow(P256_ORDER - 1) + 1
    return base64.urlsafe_b64encode(number.to_bytes(32, "big")).decode().rstrip("=")


def _read_or_create(path: Path, make: Callable[[], str]) -> str:
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(make())
    return path.read_text(encoding="utf-8")


def socket_folder(data: Path, account: Account | None) -> Path:
    """A folder with mode 0700 for PostgreSQL's socket; the same one for the same data folder."""
    mine = os.geteuid() if account is None else account.uid
    name = hashlib.sha256(str(data).encode()).hexdigest()[:12]
    folder = shared_temp() / f"lumin-{os.geteuid()}-{name}"
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        found = folder.lstat()
        if (
            not stat.S_ISDIR(found.st_mode)
            or found.st_uid != mine
            or stat.S_IMODE(found.st_mode) != 0o700
        ):
            # Another account owns that name: use a random one.
            folder = Path(tempfile.mkdtemp(prefix="lumin-", dir=shared_temp()))
    if account is not None:
        os.chown(folder, account.uid, account.gid)
    return folder
