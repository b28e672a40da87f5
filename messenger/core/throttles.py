"""Token buckets in Redis, shared by all processes; on Redis' failure, in this process alone."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from functools import cache
from typing import Any

from django.conf import settings
from redis.exceptions import RedisError

from messenger.core.errors import LimitExceeded
from messenger.core.redis import breaker, client

# KEYS: the buckets. ARGV: burst, tokens per second, then how many each key wants.
# Returns for each key how many it got, and the milliseconds until one more (0 if it got all).
# The clock is Redis' own: the processes' clocks may disagree.
TAKE = """
local now = redis.call('TIME')
now = now[1] + now[2] / 1000000
local burst, rate = tonumber(ARGV[1]), tonumber(ARGV[2])
local answer = {}
for i, key in ipairs(KEYS) do
  local wanted = tonumber(ARGV[i + 2])
  local state = redis.call('HMGET', key, 't', 'a')
  local tokens = burst
  if state[1] then
    tokens = math.min(burst, tonumber(state[1]) + (now - tonumber(state[2])) * rate)
  end
  local got = math.min(wanted, math.floor(tokens))
  tokens = tokens - got
  redis.call('HSET', key, 't', tostring(tokens), 'a', string.format('%.6f', now))
  redis.call('PEXPIRE', key, math.ceil(burst / rate * 1000) + 1000)
  answer[2 * i - 1] = got
  answer[2 * i] = got == wanted and 0 or math.max(1, math.ceil((1 - tokens) / rate * 1000))
end
return answer
"""


def take(limit: str, key: str) -> None:
    """Take one token of `key`'s bucket of the named limit, or raise `LimitExceeded`."""
    got, wait = take_many(limit, {key: 1})[key]
    if not got:
        raise LimitExceeded(retry_after=wait)


def take_many(limit: str, wanted: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """Take from several buckets in one round trip.

    Returns for each key how many tokens it got, and the whole seconds until one more.
    """
    burst, rate = (value * settings.LIMITS_SCALE for value in settings.RATE_LIMITS[limit])
    names = [f"limit:{limit}:{key}" for key in wanted]
    answer: list[int] | None = None
    if breaker.closed:
        try:
            answer = _script()(keys=names, args=[burst, rate, *wanted.values()])
            breaker.succeeded()
        except RedisError:
            breaker.failed()
    if answer is None:
        answer = []
        for name, number in zip(names, wanted.values(), strict=True):
            answer += _local.take(name, burst, rate, number)
    return {
        key: (answer[2 * index], math.ceil(answer[2 * index + 1] / 1000))
        for index, key in enumerate(wanted)
    }


@cache
def _script() -> Any:
    return client().register_script(TAKE)


class Leases:
    """Tokens that this process has taken ahead, so that a conversation does not ask Redis for
    each message.

    A share of the burst is taken beyond what is needed and used within `SECONDS`, else let go:
    nobody ever gets more than the bucket gives, and one who speaks through several processes at
    once gets at most that share less. Not for several threads.
    """

    SHARE = 4  # of the burst
    SECONDS = 1.0

    def __init__(self, limit: str, size: int = 10_000) -> None:
        self._limit, self._size = limit, size
        self._held: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def take_many(self, wanted: Mapping[str, int]) -> dict[str, tuple[int, int]]:
        """As the function of this name; one round trip, or none."""
        now = time.monotonic()
        held = {key: self._held_at(key, now) for key in wanted}
        short = {key: number for key, number in wanted.items() if held[key] < number}
        ahead = int(settings.RATE_LIMITS[self._limit][0] * settings.LIMITS_SCALE) // self.SHARE
        asked = {key: number - held[key] + ahead for key, number in short.items()}
        granted = take_many(self._limit, asked) if asked else {}
        answer: dict[str, tuple[int, int]] = {}
        for key, number in wanted.items():
            got, wait = granted.get(key, (0, 0))
            have = held[key] + got
            answer[key] = (min(number, have), 0 if have >= number else wait)
            taken_at = now if key in granted else self._held[key][1]
            self._held[key] = (max(0, have - number), taken_at)
        while len(self._held) > self._size:
            self._held.popitem(last=False)
        return answer

    def _held_at(self, key: str, now: float) -> int:
        number, taken_at = self._held.get(key, (0, 0.0))
        return number if now - taken_at < self.SECONDS else 0


class LocalBuckets:
    """The same buckets in this process' memory, at most 10,000 of them."""

    def __init__(self, size: int = 10_000) -> None:
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._size = size

    def take(self, name: str, burst: float, rate: float, wanted: int) -> tuple[int, int]:
        """How many tokens the bucket gave, and the milliseconds until one more."""
        now = time.monotonic()
        with self._lock:
            tokens, at = self._buckets.pop(name, (burst, now))
            tokens = min(burst, tokens + (now - at) * rate)
            got = min(wanted, int(tokens))
            tokens -= got
            self._buckets[name] = (tokens, now)
            if len(self._buckets) > self._size:
                self._buckets.popitem(last=False)
        return got, 0 if got == wanted else max(1, math.ceil((1 - tokens) / rate * 1000))


_local = LocalBuckets()
