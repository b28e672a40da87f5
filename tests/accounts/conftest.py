"""What the tests of accounts share."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest

from messenger.core import live


@pytest.fixture
def closed_sockets(monkeypatch) -> Callable[[], list[tuple[UUID, UUID]]]:
    """`closed_sockets()`: (user, session) of every close frame published after a commit."""
    published: list[live.Frame] = []
    monkeypatch.setattr(live.publisher, "put", published.extend)

    def closed() -> list[tuple[UUID, UUID]]:
        return [
            (UUID(frame.group.removeprefix("user.")), UUID(frame.control["sid"]))
            for frame in published
            if frame.control.get("op") == "close"
        ]

    return closed
