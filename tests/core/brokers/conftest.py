"""A real broker of each kind, which can be made to hang and to come back."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from messenger.core import brokers
from messenger.local.rabbitmq import RabbitMQ, rabbitmq_or_reason
from messenger.local.redis import Redis

HERE = Path(__file__).parent


@dataclass
class Place:
    """A running broker: how settings name it, and its process."""

    kind: str
    settings: dict[str, str]
    process: subprocess.Popen[bytes]

    def hang(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.process.send_signal(signal.SIGCONT)


def redis_place(folder: Path) -> Iterator[Place]:
    server = Redis(folder)
    process = server.start()
    yield Place("redis", {"EVENT_REDIS_URL": server.url}, process)
    server.stop(process)


def kafka_place(folder: Path) -> Iterator[Place]:
    process = subprocess.Popen(
        [sys.executable, HERE / "mock_cluster.py"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    address = process.stdout.readline().decode().strip()
    yield Place("kafka", {"KAFKA_BOOTSTRAP_SERVERS": address}, process)
    process.kill()
    process.communicate()


def rabbitmq_place(folder: Path) -> Iterator[Place]:
    reason = rabbitmq_or_reason()
    if reason:
        pytest.skip(reason)
    server = RabbitMQ(folder)
    process = server.start()
    yield Place("rabbitmq", {"RABBITMQ_URL": server.url}, process)
    server.stop(process)
    server.discard()


PLACES = {"redis": redis_place, "kafka": kafka_place, "rabbitmq": rabbitmq_place}


@pytest.fixture(scope="package", params=PLACES)
def running(request, tmp_path_factory) -> Iterator[Place]:
    yield from PLACES[request.param](tmp_path_factory.mktemp(request.param))


@pytest.fixture
def place(running, settings) -> Iterator[Place]:
    """The settings name this broker; it runs, whatever the test did to it."""
    settings.EVENT_BROKER_TYPE = running.kind
    for name, value in running.settings.items():
        setattr(settings, name, value)
    yield running
    running.go_on()


@pytest.fixture
def impatient(place, monkeypatch) -> None:
    """Failures come sooner than in production."""
    module = import_module(brokers.TYPES[place.kind])
    monkeypatch.setattr(module, "TIMEOUT", 2.0)


@pytest.fixture
def broker(place) -> Iterator[Any]:
    """A connection of this test's own."""
    brokers.broker.cache_clear()
    made = brokers.broker()
    yield made
    made.close()
    brokers.broker.cache_clear()
