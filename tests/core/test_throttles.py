"""Token buckets in Redis, leases of a process, and local buckets without Redis."""

from __future__ import annotations

import pytest
from django.conf import settings

from messenger.core import throttles
from messenger.core.throttles import Leases, take_many

BURST, RATE = settings.RATE_LIMITS["messages"]


def test_lease_grants_the_burst_and_no_more():
    leases = Leases("messages")
    got = sum(leases.take_many({"a": 1})["a"][0] for _ in range(BURST + 5))
    assert got in (BURST, BURST + 1)  # a fifth of a second gives one more
    assert leases.take_many({"a": 4})["a"][1] >= 1


def test_batch_over_the_limit_gets_the_remaining_tokens():
    got, wait = Leases("messages").take_many({"a": BURST + 5})["a"]
    assert (got, wait >= 1) == (BURST, True)


def test_two_processes_together_grant_no_more_than_the_burst():
    one, other = Leases("messages"), Leases("messages")
    got = sum(each.take_many({"a": 1})["a"][0] for _ in range(BURST) for each in (one, other))
    assert BURST - BURST // Leases.SHARE <= got <= BURST + 1


def test_lease_saves_round_trips_to_redis(monkeypatch):
    asked = []
    monkeypatch.setattr(
        throttles,
        "take_many",
        lambda limit, wanted: asked.append(wanted) or take_many(limit, wanted),
    )
    leases = Leases("messages")
    for _ in range(6):
        assert leases.take_many({"a": 1, "b": 1}) == {"a": (1, 0), "b": (1, 0)}
    assert len(asked) == 1


def test_unused_lease_expires(monkeypatch):
    now = 1000.0
    monkeypatch.setattr(throttles.time, "monotonic", lambda: now)
    leases = Leases("messages")
    assert leases.take_many({"a": 1})["a"] == (1, 0)
    now += Leases.SECONDS
    assert leases._held_at("a", now) == 0


@pytest.mark.parametrize("wanted", [{}, {"a": 1, "b": 3}])
def test_keys_do_not_affect_each_other(wanted):
    assert Leases("messages").take_many(wanted) == {key: (n, 0) for key, n in wanted.items()}
