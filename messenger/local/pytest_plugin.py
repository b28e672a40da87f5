"""Gives the suite a PostgreSQL and a Redis of its own before Django's settings are read.

Loaded with `-p messenger.local.pytest_plugin`. Under xdist only the controller starts the services;
its workers inherit the addresses and have a database each in both: in PostgreSQL as pytest-django
names them, in Redis by number.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Generator
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest

from messenger.local.chromium import browser_or_reason
from messenger.local.services import private_services
from messenger.local.translations import compile_translations

SETTINGS = "messenger.settings.test"


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    """Start the services; a wrapper, since pytest-django reads the settings in this very hook."""
    os.environ["DJANGO_SETTINGS_MODULE"] = SETTINGS
    # The worker of an xdist run has inherited what the controller set here.
    if "PYTEST_XDIST_WORKER" not in os.environ:
        compile_translations()
        until_the_end = ExitStack()
        early_config.add_cleanup(until_the_end.close)
        os.environ.update(until_the_end.enter_context(private_services()))
    else:
        number = os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw")
        os.environ["REDIS_URL"] = f"{os.environ['REDIS_URL'].rpartition('/')[0]}/{number}"
    return (yield)


def pytest_configure(config: pytest.Config) -> None:
    """Name the markers of tests that need more than PostgreSQL."""
    config.addinivalue_line(
        "markers", "browser: needs Chromium; skipped with the reason where there is none"
    )
    config.addinivalue_line(
        "markers", "redis: about what consists of Redis; skipped where TEST_REDIS_URL is refused"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have ready what tests need, or skip them saying why."""
    for marker, reason_against in (("browser", browser_or_reason), ("redis", redis_or_reason)):
        marked = [item for item in items if item.get_closest_marker(marker) is not None]
        reason = reason_against() if marked else ""
        if reason:
            for item in marked:
                item.add_marker(pytest.mark.skip(reason=reason))


def redis_or_reason() -> str:
    """Why there is no Redis to be had; empty where there is one."""
    address = urlsplit(os.environ["REDIS_URL"])
    try:
        socket.create_connection((address.hostname, address.port or 6379), timeout=1).close()
    except OSError as error:
        return f"Redis is refused: {error}"
    return ""
