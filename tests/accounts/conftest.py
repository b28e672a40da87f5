"""Fixtures of the tests of accounts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import UUID

import pytest

from messenger.core import live


@pytest.fixture
def closed_sockets() -> Iterator[Callable[[], list[tuple[UUID, UUID]]]]:
    """`closed_sockets()`: (user, session) of every close frame published after a commit."""
    recorder = Recorder()
    live.publisher.subscribe(recorder)

    def closed() -> list[tuple[UUID, UUID]]:
        return [
            (UUID(frame["group"].removeprefix("user.")), UUID(frame["control"]["sid"]))
            for frame in recorder.frames
            if (frame["control"] or {}).get("op") == "close"
        ]

    yield closed
    live.publisher.unsubscribe(recorder)


class Recorder:
    """A subscriber that records the frames of this process."""

    def __init__(self) -> None:
        self.frames: list[live.Body] = []

    def deliver(self, frames: list[live.Body]) -> None:
        self.frames += frames

    def is_subscribed(self, group: str) -> bool:
        return False
