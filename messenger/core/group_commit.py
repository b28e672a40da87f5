"""Group commit: requests that arrive at about the same time share one transaction.

While a batch is being committed the next one collects. A single request is committed at once, and
many share one fsync.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, TypeVar

import structlog
from django.db import connection

from messenger.core.errors import DomainError, LimitExceeded, Unavailable
from messenger.core.throttles import Leases, Limit

log = structlog.get_logger("messenger.writer")
Request = TypeVar("Request")
Answer = Callable[[Any], None]


class GroupCommit(Generic[Request]):
    """Collects requests in the event loop and commits up to `size` of them at once, in a thread.

    `work(requests)` stores a batch and returns one outcome per request, an error among them where a
    request is refused. `delay` (seconds) lets more requests collect, where answers are not urgent.
    With `limit`, each request takes a token of the bucket `key(request)` first.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[Sequence[Request]], Sequence[Any]],
        *,
        size: int,
        delay: float = 0.0,
        limit: Limit | None = None,
        key: Callable[[Request], str] | None = None,
    ) -> None:
        if (limit is None) != (key is None):
            raise TypeError("a limit needs the key of its buckets, and a key its limit")
        self.name, self.limit = name, limit
        self._work, self._size, self._delay = work, size, delay
        # Used by the one thread only.
        self._buckets = (Leases(limit), key) if limit and key else None
        self._waiting: deque[tuple[Request, Answer]] = deque()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._running: asyncio.Task[None] | None = None

    def submit(self, request: Request, answer: Answer) -> None:
        """Queue a request; `answer` is called in the event loop with its outcome."""
        self._waiting.append((request, answer))
        if self._running is None:
            self._running = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                if self._delay:
                    await asyncio.sleep(self._delay)
                size = min(self._size, len(self._waiting))
                batch = [self._waiting.popleft() for _ in range(size)]
                requests = [request for request, _ in batch]
                outcomes = await loop.run_in_executor(self._thread, self._commit, requests)
                for (_, answer), outcome in zip(batch, outcomes, strict=True):
                    try:
                        answer(outcome)
                    except Exception:  # the other senders still get theirs
                        log.exception("answer_failed", writer=self.name)
        finally:
            self._running = None

    def _commit(self, requests: Sequence[Request]) -> Sequence[Any]:
        """Store a batch, in the thread. If that fails, each request gets 503 and may be retried."""
        try:
            if self._buckets is None:
                return self._work(requests)
            refusals = self._refusals(*self._buckets, requests)
            allowed = [one for one, refusal in zip(requests, refusals, strict=True) if not refusal]
            stored = iter(self._work(allowed) if allowed else ())
            return [refusal or next(stored) for refusal in refusals]
        except Exception:
            log.exception("batch_failed", writer=self.name, requests=len(requests))
            connection.close()
            return [Unavailable("Not stored; try again.")] * len(requests)

    def _refusals(
        self, leases: Leases, key_of: Callable[[Request], str], requests: Sequence[Request]
    ) -> list[DomainError | None]:
        """Per request None, or the error where its bucket is empty."""
        keys = [key_of(request) for request in requests]
        granted = {key: list(answer) for key, answer in leases.take_many(Counter(keys)).items()}
        refusals: list[DomainError | None] = []
        for key in keys:
            left = granted[key]
            left[0] -= 1
            refusals.append(LimitExceeded(retry_after=max(1, left[1])) if left[0] < 0 else None)
        return refusals
