"""Gives the suite a PostgreSQL and a Redis of its own before Django's settings are read.

Loaded with `-p messenger.local.pytest_plugin`. Under xdist only the controller starts the services;
its workers inherit the addresses and have a database each in both: in PostgreSQL as pytest-django
names them, in Redis by number.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import ExitStack

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
    """Name the marker that tests in a real browser carry."""
    config.addinivalue_line(
        "markers", "browser: needs Chromium; skipped with the reason where there is none"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have Chromium ready for the tests that need it, or skip them saying why."""
    in_browser = [item for item in items if item.get_closest_marker("browser") is not None]
    if not in_browser:
        return
    reason = browser_or_reason()
    if reason:
        for item in in_browser:
            item.add_marker(pytest.mark.skip(reason=reason))
