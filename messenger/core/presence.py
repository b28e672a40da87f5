"""Who is connected: in Redis, shared by all processes; entries of a dead process expire.

Each person has a sorted set of their connections, scored with the time at which each expires unless
its process refreshes it. Another sorted set has the people online, scored with the time at which
each counts as offline; the process that removes an overdue person publishes it. All times are those
of Redis' clock.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import chain
from typing import Any, TypeVar
from uuid import UUID

from redis.exceptions import RedisError

from messenger.core.redis import breaker, client

TTL = 30.0  # seconds until a connection that is not refreshed expires
REFRESH = 10.0  # seconds between two refreshes by a process
GRACE = 5.0  # seconds that a person stays online after the last connection has closed
CHUNK = 500
ONLINE = "presence:online"

T = TypeVar("T")


class Joined(enum.Enum):
    """The outcome of `join`."""

    FULL = -1
    ALREADY_ONLINE = 0
    CAME_ONLINE = 1


def connected(user_ids: Iterable[UUID]) -> set[UUID]:
    """The people who have a connection now; an empty set while Redis is away.

    One round trip per 500 people. Unlike `online`, without the grace period.
    """
    wanted = list(user_ids)
    found: set[UUID] = set()
    for start in range(0, len(wanted), CHUNK):
        chunk = wanted[start : start + CHUNK]
        keys = [_key(user_id) for user_id in chunk]
        counts: Sequence[int] = _run(COUNT, keys) or ()
        found |= {user_id for user_id, number in zip(chunk, counts, strict=False) if number}
    return found


def online(user_ids: Iterable[UUID]) -> set[UUID] | None:
    """The people shown as online: with a connection, or within the grace period.

    One round trip. None (unknown) while Redis is away.
    """
    found = _until(user_ids)
    return None if found is None else {one for one, left in found.items() if left > 0}


def known(user_ids: Iterable[UUID]) -> set[UUID] | None:
    """The people online, or overdue but not yet taken by `take_gone`; None as for `online`."""
    found = _until(user_ids)
    return None if found is None else set(found)


def _until(user_ids: Iterable[UUID]) -> dict[UUID, float] | None:
    """The members of the set of people online, and the milliseconds until each is offline."""
    wanted = list(user_ids)
    if not wanted:
        return {}

    def ask() -> list[Any]:
        pipeline = client().pipeline(transaction=False)
        pipeline.time()
        for start in range(0, len(wanted), CHUNK):
            pipeline.zmscore(ONLINE, [str(one) for one in wanted[start : start + CHUNK]])
        return pipeline.execute()

    answer = _attempt(ask)
    if answer is None:
        return None
    (seconds, micros), *chunks = answer
    now = seconds * 1000 + micros // 1000
    scores = chain.from_iterable(chunks)
    return {one: score - now for one, score in zip(wanted, scores, strict=True) if score}


def join(user_id: UUID, connection_id: str, *, limit: int) -> Joined | None:
    """Add a connection, unless the person has `limit` of them; None while Redis is away."""
    person = str(user_id)
    keys = [ONLINE, _key(user_id)]
    answer = _run(JOIN, keys, _milliseconds(TTL), person, connection_id, limit)
    return None if answer is None else Joined(answer)


def leave(user_id: UUID, connection_id: str) -> None:
    """Remove a connection; while Redis is away it expires instead."""
    keys = [ONLINE, _key(user_id)]
    _run(LEAVE, keys, _milliseconds(GRACE), str(user_id), connection_id)


def refresh(connections: Iterable[tuple[UUID, str]]) -> set[UUID] | None:
    """Prolong these connections: pairs of person and connection id.

    Returns the people who were not in the set of people online (Redis was emptied, or the
    connections had expired), or None while Redis is away. One round trip per 500 connections.
    """
    pairs = list(connections)
    came: set[UUID] = set()
    for start in range(0, len(pairs), CHUNK):
        chunk = pairs[start : start + CHUNK]
        keys = [ONLINE, *(_key(user_id) for user_id, _ in chunk)]
        names = [name for user_id, connection_id in chunk for name in (str(user_id), connection_id)]
        answer = _run(KEEP, keys, _milliseconds(TTL), *names)
        if answer is None:
            return None
        came |= {UUID(one.decode()) for one in answer}
    return came


def take_gone() -> dict[UUID, datetime]:
    """Remove the people who have gone offline; returns them with the time they left.

    Each is returned to one caller only, which has to publish it. At most 500. After a process
    died, the time is up to 25 s late.
    """
    answer = _run(TAKE_GONE, [ONLINE], CHUNK) or []
    pairs = zip(answer[::2], answer[1::2], strict=True)
    return {
        UUID(one.decode()): datetime.fromtimestamp(float(score) / 1000 - GRACE, UTC)
        for one, score in pairs
    }


def _key(user_id: UUID) -> str:
    return f"presence:{user_id}"


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)


def _attempt(call: Callable[[], T]) -> T | None:
    if not breaker.closed:
        return None
    try:
        answer = call()
    except RedisError:
        breaker.failed()
        return None
    breaker.succeeded()
    return answer


def _run(text: str, keys: list[str], *args: str | int) -> Any:
    """The answer of the script; None while Redis is away."""
    return _attempt(lambda: _script(text)(keys=keys, args=args))


@cache
def _script(text: str) -> Any:
    return client().register_script(text)


NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""

# KEYS: each person's connections.
COUNT = (
    NOW
    + """
local counts = {}
for i, key in ipairs(KEYS) do counts[i] = redis.call('ZCOUNT', key, '(' .. now, '+inf') end
return counts
"""
)

# KEYS: the people online, this person's connections. ARGV: TTL, person, connection, limit.
JOIN = (
    NOW
    + """
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[4]) then return -1 end
redis.call('ZADD', KEYS[2], now + ARGV[1], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[1])
return redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[2])
"""
)

# KEYS: as above. ARGV: grace, person, connection.
LEAVE = (
    NOW
    + """
redis.call('ZREM', KEYS[2], ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
local last = redis.call('ZREVRANGE', KEYS[2], 0, 0, 'WITHSCORES')
redis.call('ZADD', KEYS[1], 'XX', last[2] or now + ARGV[1], ARGV[2])
"""
)

# KEYS: the people online, then each connection's person's connections. ARGV: TTL, then each
# connection's person and name.
KEEP = (
    NOW
    + """
local came = {}
for i = 2, #KEYS do
  local person, connection = ARGV[2 * i - 2], ARGV[2 * i - 1]
  redis.call('ZADD', KEYS[i], now + ARGV[1], connection)
  redis.call('PEXPIRE', KEYS[i], ARGV[1])
  if redis.call('ZADD', KEYS[1], now + ARGV[1], person) == 1 then table.insert(came, person) end
end
return came
"""
)

# KEYS: the people online. ARGV: how many at most.
TAKE_GONE = (
    NOW
    + """
local gone = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'WITHSCORES', 'LIMIT', 0, ARGV[1])
for i = 1, #gone, 2 do redis.call('ZREM', KEYS[1], gone[i]) end
return gone
"""
)
