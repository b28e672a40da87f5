"""Fixtures of the authority matrix."""

from __future__ import annotations

import pytest


@pytest.fixture
def no_limits(settings) -> None:
    settings.LIMITS_SCALE = 10_000
