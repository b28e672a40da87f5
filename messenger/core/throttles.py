"""Rate limits: token buckets in Redis, shared by all processes.

While Redis does not answer, each process counts in its own memory.
"""

from __future__ import annotations

import enum
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from django.conf import settings
from redis.exceptions import RedisError

from messenger.core.address import client_address, limit_key
from messenger.core.errors import LimitExceeded
from messenger.core.redis import breaker, client

# KEYS: the buckets. ARGV: burst, tokens per second, then the number of tokens wanted per key.
# Returns for each key the tokens granted and the milliseconds until the next (0: all granted).
# Redis' own clock is used, because the clocks of the processes may differ.
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


class Key(enum.Enum):
    """What a rate limit counts. An entry point reads the first two from its request."""

    USER = "user"
    ADDRESS = "address"  # the client's IP address; of IPv6 its /64 network
    ACCOUNT = "account"  # the account that a sign-in names
    RECIPIENT = "recipient"  # of a mail
    USER_AND_CHAT = "user and chat"
    CONNECTION = "connection"


@dataclass(frozen=True, slots=True)
class Limit:
    """A rate limit: its name in `settings.RATE_LIMITS`, and what it counts."""

    name: str
    key: Key

    @property
    def burst(self) -> float:
        """How many tokens a full bucket holds."""
        return float(settings.RATE_LIMITS[self.name][0] * settings.LIMITS_SCALE)

    @property
    def rate(self) -> float:
        """How many tokens a bucket gains per second."""
        return float(settings.RATE_LIMITS[self.name][1] * settings.LIMITS_SCALE)

    def enforce(self, request: Any) -> None:
        """Take one token for the user or the address of this request.

        Raises `LimitExceeded`, and `ValueError` for a limit that counts something else.
        """
        if self.key is Key.USER:
            self.take(request.user.pk)
        elif self.key is Key.ADDRESS:
            self.take(limit_key(client_address(request.META)))
        else:
            raise ValueError(f"A request alone has no {self.key.value}: use `take`.")

    def take(self, key: str | UUID) -> None:
        """Take one token from the bucket of `key`. Raises `LimitExceeded`."""
        got, wait = self.take_many({str(key): 1})[str(key)]
        if not got:
            raise LimitExceeded(retry_after=wait)

    def take_many(self, wanted: Mapping[str, int]) -> dict[str, tuple[int, int]]:
        """Take tokens from several buckets in one round trip to Redis.

        Returns for each key the number of tokens granted, and the whole seconds until the next.
        """
        names = [f"limit:{self.name}:{key}" for key in wanted]
        answer: list[int] | None = None
        if breaker.closed:
            try:
                answer = _script()(keys=names, args=[self.burst, self.rate, *wanted.values()])
                breaker.succeeded()
            except RedisError:
                breaker.failed()
        if answer is None:
            answer = []
            for name, number in zip(names, wanted.values(), strict=True):
                answer += local_buckets.take(name, self.burst, self.rate, number)
        return {
            key: (answer[2 * index], math.ceil(answer[2 * index + 1] / 1000))
            for index, key in enumerate(wanted)
        }

    def __str__(self) -> str:
        """The sentence of the API document: `messages: 20 at once, then 5 per second and user`."""
        burst, rate = settings.RATE_LIMITS[self.name]
        pace, period = next(
            (rate * seconds, name)
            for seconds, name in ((1, "second"), (60, "minute"), (3600, "hour"))
            if rate * seconds >= 1 or seconds == 3600
        )
        return f"{self.name}: {burst:g} at once, then {pace:g} per {period} and {self.key.value}"


@cache
def _script() -> Any:
    return client().register_script(TAKE)


class Leases:
    """Tokens that this process takes in advance, so that not every message asks Redis.

    A share of the burst is taken in addition to the tokens needed, and is forfeited unless it is
    used within `SECONDS`. So no user gets more than the bucket holds; one who sends through several
    processes at once may get up to that share less. Not thread-safe.
    """

    SHARE = 4  # of the burst
    SECONDS = 1.0

    def __init__(
        self, limit: Limit, *, size: int = 10_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit, self._size, self._clock = limit, size, clock
        self._held: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def take_many(self, wanted: Mapping[str, int]) -> dict[str, tuple[int, int]]:
        """Like the method of `Limit`, with one round trip or none."""
        now = self._clock()
        held = {key: self._held_at(key, now) for key in wanted}
        short = {key: number for key, number in wanted.items() if held[key] < number}
        ahead = int(self._limit.burst) // self.SHARE
        asked = {key: number - held[key] + ahead for key, number in short.items()}
        granted = self._limit.take_many(asked) if asked else {}
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
    """Token buckets in the memory of this process, at most `size` of them."""

    def __init__(self, size: int = 10_000) -> None:
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._size = size

    def take(self, name: str, burst: float, rate: float, wanted: int) -> tuple[int, int]:
        """Take up to `wanted` tokens; returns their number and the milliseconds until the next."""
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

    def clear(self) -> None:
        """Forget all buckets, so that the next ones are full."""
        with self._lock:
            self._buckets.clear()


local_buckets = LocalBuckets()
