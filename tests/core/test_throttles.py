"""Token buckets in Redis, leases of a process, and local buckets without Redis."""

from __future__ import annotations

import pytest
from django.conf import settings

from messenger.core.limits import MESSAGES
from messenger.core.throttles import Leases

BURST, RATE = settings.RATE_LIMITS["messages"]


def test_lease_grants_the_burst_and_no_more():
    leases = Leases(MESSAGES)
    got = sum(leases.take_many({"a": 1})["a"][0] for _ in range(BURST + 5))
    assert got in (BURST, BURST + 1)  # a fifth of a second gives one more
    assert leases.take_many({"a": 4})["a"][1] >= 1


def test_batch_over_the_limit_gets_the_remaining_tokens():
    got, wait = Leases(MESSAGES).take_many({"a": BURST + 5})["a"]
    assert (got, wait >= 1) == (BURST, True)


def test_two_processes_together_grant_no_more_than_the_burst():
    one, other = Leases(MESSAGES), Leases(MESSAGES)
    got = sum(each.take_many({"a": 1})["a"][0] for _ in range(BURST) for each in (one, other))
    assert BURST - BURST // Leases.SHARE <= got <= BURST + 1


class RecordingLimit:
    """A limit that records what is taken from it."""

    burst = MESSAGES.burst

    def __init__(self) -> None:
        self.calls: list[dict[str, int]] = []

    def take_many(self, wanted):
        self.calls.append(wanted)
        return MESSAGES.take_many(wanted)


def test_lease_saves_round_trips_to_redis():
    limit = RecordingLimit()
    leases = Leases(limit)
    for _ in range(6):
        assert leases.take_many({"a": 1, "b": 1}) == {"a": (1, 0), "b": (1, 0)}
    assert len(limit.calls) == 1


def test_unused_lease_expires():
    now = 1000.0
    limit = RecordingLimit()
    leases = Leases(limit, clock=lambda: now)
    assert leases.take_many({"a": 1})["a"] == (1, 0)
    now += Leases.SECONDS
    assert leases.take_many({"a": 1})["a"] == (1, 0)
    assert limit.calls[0] == limit.calls[1]


@pytest.mark.parametrize("wanted", [{}, {"a": 1, "b": 3}])
def test_keys_do_not_affect_each_other(wanted):
    assert Leases(MESSAGES).take_many(wanted) == {key: (n, 0) for key, n in wanted.items()}
