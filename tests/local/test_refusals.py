"""Starts that fail: at once, with a reason, and without side effects."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from messenger.local.processes import Account
from tests.local.started import Started

Start = Callable[..., Started]


def refusal(begun: Started) -> str:
    assert begun.process.wait(10) == 1
    assert "Traceback" not in begun.said()
    return begun.said()


def test_used_port_is_reported_with_the_variable_that_changes_it(
    start: Start, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refusal(start(PORT=str(port)))
    assert f"Port {port}" in said
    assert "PORT=" in said
    assert not (tmp_path / "data" / "postgres").exists()


def test_data_folder_without_write_permission_is_reported(
    start: Start, writable_by_nobody: Path, plain_user: Account | None
) -> None:
    said = refusal(start(writable_by_nobody, plain_user))
    assert str(writable_by_nobody) in said
    assert "cannot be written" in said
    assert "MESSENGER_DATA" in said


def test_data_folder_that_cannot_be_created_is_reported(start: Start, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = refusal(start(tmp_path / "file" / "data"))
    assert f"{tmp_path}/file/data cannot be written (Not a directory)" in said


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "eighty"), ("PORT", "70000"), ("WEB_PROCESSES", "0"), ("WEB_SERVER", "apache")],
)
def test_invalid_setting_is_reported(start: Start, name: str, value: str) -> None:
    settings = {"PORT": "0", name: value}
    assert f"{name} must be" in refusal(start(**settings))
