"""Starts a PostgreSQL and a Redis for the tests before Django reads its settings.

Loaded with `-p messenger.local.pytest_plugin`. With xdist only the controller starts the services.
Its workers inherit the addresses and use one database each: in PostgreSQL with pytest-django's
name, in Redis by number.
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
    """Start the services. A wrapper, because pytest-django reads the settings in this hook."""
    os.environ["DJANGO_SETTINGS_MODULE"] = SETTINGS
    # Workers of xdist inherit the variables that the controller sets here.
    if "PYTEST_XDIST_WORKER" not in os.environ:
        compile_translations()
        services = ExitStack()
        early_config.add_cleanup(services.close)
        os.environ.update(services.enter_context(private_services()))
    else:
        number = os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw")
        os.environ["REDIS_URL"] = f"{os.environ['REDIS_URL'].rpartition('/')[0]}/{number}"
    return (yield)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker of tests in a browser."""
    config.addinivalue_line(
        "markers", "browser: needs Chromium; skipped with the reason where there is none"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Install Chromium if a test needs it; skip those tests where that fails."""
    in_browser = [item for item in items if item.get_closest_marker("browser") is not None]
    if not in_browser:
        return
    reason = browser_or_reason()
    if reason:
        for item in in_browser:
            item.add_marker(pytest.mark.skip(reason=reason))
