"""Two web processes on one address, and restarts of killed processes."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from messenger.local.processes import wait_until
from tests.local.started import Started


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    folder = tmp_path_factory.mktemp("crashes")
    begun = Started(folder / "data", folder / "log", WEB_PROCESSES="2")
    begun.wait_until_ready()
    assert wait_until(lambda: begun.members("child celery") != [], seconds=5)
    yield begun
    begun.end()


def back_with_two(running: Started, gone: psutil.Process) -> bool:
    webs = running.members("messenger.serve")
    return len(webs) == 2 and gone not in webs


def test_two_web_processes_share_one_address(running: Started) -> None:
    webs = running.members("messenger.serve")
    assert len(webs) == 2
    listening = [
        {one.laddr.port for one in web.net_connections("tcp") if one.status == "LISTEN"}
        for web in webs
    ]
    assert listening == [{running.port}, {running.port}]


def test_killed_web_process_is_restarted_while_the_other_one_answers(
    running: Started,
) -> None:
    victim = running.members("messenger.serve")[0]
    victim.send_signal(signal.SIGKILL)
    end = time.monotonic() + 20
    while not back_with_two(running, victim):
        assert running.status() == 200
        assert time.monotonic() < end
    assert "restarting in" in running.said()
    assert running.status("/") < 400


@pytest.mark.parametrize("name", ["postgres", "redis-server", "celery"])
def test_killed_service_is_restarted_and_pages_work_again(running: Started, name: str) -> None:
    (victim,) = running.members(f"/{name}", f"child {name}")
    victim.send_signal(signal.SIGKILL)
    assert wait_until(
        lambda: any(one != victim for one in running.members(f"/{name}", f"child {name}")),
        seconds=15,
    )
    assert wait_until(lambda: running.status("/") < 400, seconds=15, pause=0.2)


def test_second_start_on_the_same_data_is_refused(running: Started, tmp_path: Path) -> None:
    data = running.log.parent / "data"
    second = Started(data, tmp_path / "log")
    assert second.process.wait(10) == 1
    assert f"in use: Lumin already runs on it, as process {running.process.pid}" in second.said()
    assert running.status() == 200
