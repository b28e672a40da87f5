"""Token buckets in Redis, shared by all processes; on Redis' failure, in this process alone."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping

from django.conf import settings
from redis.exceptions import RedisError

from messenger.core.errors import LimitExceeded
from messenger.core.redis import breaker, client

# KEYS: the buckets. ARGV: burst, tokens per second, then the cost for each key.
# Returns for each key the milliseconds to wait, 0 where the tokens were taken.
# The clock is Redis' own: the processes' clocks may disagree.
TAKE = """
local now = redis.call('TIME')
now = now[1] + now[2] / 1000000
local burst, rate = tonumber(ARGV[1]), tonumber(ARGV[2])
local waits = {}
for i, key in ipairs(KEYS) do
  local cost = tonumber(ARGV[i + 2])
  local state = redis.call('HMGET', key, 't', 'a')
  local tokens = burst
  if state[1] then
    tokens = math.min(burst, tonumber(state[1]) + (now - tonumber(state[2])) * rate)
  end
  if tokens >= cost then
    tokens = tokens - cost
    waits[i] = 0
    redis.call('HSET', key, 't', tostring(tokens), 'a', string.format('%.6f', now))
    redis.call('PEXPIRE', key, math.ceil(burst / rate * 1000) + 1000)
  else
    waits[i] = math.max(1, math.ceil((cost - tokens) / rate * 1000))
  end
end
return waits
"""


def take(limit: str, key: str, cost: int = 1) -> None:
    """Take `cost` tokens of `key`'s bucket of the named limit, or raise `LimitExceeded`."""
    wait = take_many(limit, {key: cost})[key]
    if wait:
        raise LimitExceeded(retry_after=wait)


def take_many(limit: str, costs: Mapping[str, int]) -> dict[str, int]:
    """Take from several buckets in one round trip: key → whole seconds to wait, 0 if taken."""
    burst, rate = (value * settings.LIMITS_SCALE for value in settings.RATE_LIMITS[limit])
    names = [f"limit:{limit}:{key}" for key in costs]
    waits: list[int] | None = None
    if breaker.closed:
        try:
            waits = client().eval(TAKE, len(names), *names, burst, rate, *costs.values())
            breaker.succeeded()
        except RedisError:
            breaker.failed()
    if waits is None:
        waits = [
            _local.take(name, burst, rate, cost)
            for name, cost in zip(names, costs.values(), strict=True)
        ]
    return {key: math.ceil(wait / 1000) for key, wait in zip(costs, waits, strict=True)}


class LocalBuckets:
    """The same buckets in this process' memory, at most 10,000 of them."""

    def __init__(self, size: int = 10_000) -> None:
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._size = size

    def take(self, name: str, burst: float, rate: float, cost: int) -> int:
        """Milliseconds to wait; 0 where the tokens were taken."""
        now = time.monotonic()
        with self._lock:
            tokens, at = self._buckets.pop(name, (burst, now))
            tokens = min(burst, tokens + (now - at) * rate)
            granted = tokens >= cost
            self._buckets[name] = (tokens - cost if granted else tokens, now)
            if len(self._buckets) > self._size:
                self._buckets.popitem(last=False)
        return 0 if granted else max(1, math.ceil((cost - tokens) / rate * 1000))


_local = LocalBuckets()
