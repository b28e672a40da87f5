"""The synchronous Redis client and its circuit breaker; every call has a short timeout."""

from __future__ import annotations

import time
from functools import cache

import redis
import structlog
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

log = structlog.get_logger("messenger.redis")


class Breaker:
    """Opens for `pause` seconds after a failure: callers skip Redis instead of waiting for it.

    Afterwards one caller tries, and the others go on skipping until it has succeeded.
    """

    def __init__(self, pause: float = 2.0) -> None:
        self._pause = pause
        self._open_until = 0.0

    @property
    def closed(self) -> bool:
        """Whether to try. After True, the caller must report `failed` or `succeeded`."""
        if not self._open_until:
            return True
        now = time.monotonic()
        if now < self._open_until:
            return False
        self._open_until = now + self._pause
        return True

    def failed(self) -> None:
        if not self._open_until:
            log.warning("redis_unavailable", pause_seconds=self._pause)
        self._open_until = time.monotonic() + self._pause

    def succeeded(self) -> None:
        self._open_until = 0.0


breaker = Breaker()


@cache
def client(url: str = "") -> redis.Redis:
    """The pooled client of this process; every call is bounded by `REDIS_TIMEOUT` seconds."""
    return redis.Redis.from_url(
        url or settings.REDIS_URL,
        socket_timeout=settings.REDIS_TIMEOUT,
        socket_connect_timeout=settings.REDIS_TIMEOUT,
        health_check_interval=0,
        # One retry, for a pooled connection that died while idle; none after a timeout.
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
    )
