"""Fixtures that start the supervisor and stop it after the test."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from messenger.local.binaries import service_account
from messenger.local.folders import shared_temp
from messenger.local.processes import Account
from tests.local.started import Started


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Started]]:
    """Starts the supervisor; the starts of a test share a data folder unless it passes another."""
    made: list[Started] = []

    def starter(
        data: Path | None = None, account: Account | None = None, **settings: str
    ) -> Started:
        log = tmp_path / f"start-{len(made)}.log"
        made.append(Started(data or tmp_path / "data", log, account, **settings))
        return made[-1]

    yield starter
    for one in made:
        one.end()


@pytest.fixture
def other_user() -> Account:
    """An account other than root, for tests of file permissions."""
    account = service_account()
    if account is None:
        pytest.skip("only root can start as another user; the other tests here run as a plain one")
    return account


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every account can enter, unlike pytest's."""
    folder = Path(tempfile.mkdtemp(prefix="lumin-test-", dir=shared_temp()))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def writable_by_nobody(open_folder: Path) -> Path:
    """A folder in which only root can write."""
    folder = open_folder / "closed"
    folder.mkdir()
    folder.chmod(0o555)
    return folder


@pytest.fixture
def plain_user() -> Account | None:
    """An account without the rights of root: another one for root, else the current one."""
    return service_account() if os.geteuid() == 0 else None
