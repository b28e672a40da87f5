"""Group commit: batches, rate limits, and batches that fail."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from messenger.core import limits
from messenger.core.errors import LimitExceeded, Unavailable
from messenger.core.group_commit import GroupCommit


async def outcomes(lane: GroupCommit[Any], requests: Sequence[Any]) -> list[Any]:
    """Submit all requests at once; returns their outcomes."""
    waiting = []
    for request in requests:
        future = asyncio.get_running_loop().create_future()
        lane.submit(request, future.set_result)
        waiting.append(future)
    return await asyncio.wait_for(asyncio.gather(*waiting), 5)


async def test_requests_submitted_together_share_batches_of_the_given_size():
    batches: list[list[int]] = []

    def work(requests: Sequence[int]) -> list[int]:
        batches.append(list(requests))
        return [10 * request for request in requests]

    lane = GroupCommit[int]("test", work, size=2)
    assert await outcomes(lane, [1, 2, 3]) == [10, 20, 30]
    assert batches == [[1, 2], [3]]


async def test_failed_batch_is_answered_as_unavailable_and_the_next_one_works():
    def work(requests: Sequence[str]) -> Sequence[str]:
        if "bad" in requests:
            raise RuntimeError
        return requests

    lane = GroupCommit[str]("test", work, size=2)
    first = await outcomes(lane, ["good", "bad"])
    assert [type(one) for one in first] == [Unavailable, Unavailable]
    assert await outcomes(lane, ["good"]) == ["good"]


@pytest.mark.parametrize("before", [0, 5])
async def test_requests_over_their_own_rate_limit_are_refused_without_being_stored(
    settings, before
):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "messages": (3, 0.01)}
    stored: list[str] = []

    def work(requests: Sequence[str]) -> Sequence[str]:
        stored.extend(requests)
        return requests

    lane = GroupCommit[str](
        "test", work, size=100, limit=limits.MESSAGES, key=lambda request: request[0]
    )
    requests = [*("a" * before), *["b1", "b2", "b3", "b4"], "c1"]
    found = await outcomes(lane, requests)
    refused = [n for n, one in enumerate(found) if isinstance(one, LimitExceeded)]
    assert [requests[n] for n in refused] == ["a"] * max(0, before - 3) + ["b4"]
    assert stored == [one for n, one in enumerate(requests) if n not in refused]
