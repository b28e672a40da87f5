"""A real broker of each type, which tests can suspend and resume."""

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
class BrokerServer:
    """A running broker, with its settings and its process."""

    kind: str
    settings: dict[str, str]
    process: subprocess.Popen[bytes]

    def hang(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)


def redis_server(folder: Path) -> Iterator[BrokerServer]:
    server = Redis(folder)
    process = server.start()
    yield BrokerServer("redis", {"EVENT_REDIS_URL": server.url}, process)
    server.stop(process)


def kafka_server(folder: Path) -> Iterator[BrokerServer]:
    process = subprocess.Popen(
        [sys.executable, HERE / "mock_cluster.py"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    address = process.stdout.readline().decode().strip()
    yield BrokerServer("kafka", {"KAFKA_BOOTSTRAP_SERVERS": address}, process)
    process.kill()
    process.communicate()


def rabbitmq_server(folder: Path) -> Iterator[BrokerServer]:
    reason = rabbitmq_or_reason()
    if reason:
        pytest.skip(reason)
    server = RabbitMQ(folder)
    process = server.start()
    yield BrokerServer("rabbitmq", {"RABBITMQ_URL": server.url}, process)
    server.stop(process)
    server.discard()


SERVERS = {"redis": redis_server, "kafka": kafka_server, "rabbitmq": rabbitmq_server}


@pytest.fixture(scope="package", params=SERVERS)
def running(request, tmp_path_factory) -> Iterator[BrokerServer]:
    yield from SERVERS[request.param](tmp_path_factory.mktemp(request.param))


@pytest.fixture
def broker_server(running, settings) -> Iterator[BrokerServer]:
    """Settings point to this broker; it is resumed after the test."""
    settings.EVENT_BROKER_TYPE = running.kind
    for name, value in running.settings.items():
        setattr(settings, name, value)
    yield running
    running.resume()


@pytest.fixture
def short_timeout(broker_server, monkeypatch) -> None:
    """Shorten the timeout of the broker's client."""
    module = import_module(brokers.TYPES[broker_server.kind])
    monkeypatch.setattr(module, "TIMEOUT", 2.0)


@pytest.fixture
def broker(broker_server) -> Iterator[Any]:
    """A separate connection for this test."""
    brokers.broker.cache_clear()
    made = brokers.broker()
    yield made
    made.close()
    brokers.broker.cache_clear()
