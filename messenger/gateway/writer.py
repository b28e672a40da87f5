"""Group commit: what many sockets ask for at the same moment becomes one transaction.

While one batch is being committed the next one collects, so a lone message waits for nobody
and a crowd shares one fsync.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, TypeVar

import structlog
from django.db import connection

from apps.messages.services.read import cursors_move
from apps.messages.services.send import SendRequest, Sent, messages_send
from messenger.core.errors import DomainError, LimitExceeded
from messenger.core.problems import from_status
from messenger.core.throttles import Leases

log = structlog.get_logger("messenger.writer")
Request = TypeVar("Request")
Answer = Callable[[Any], None]


class GroupCommit(Generic[Request]):
    """Collects requests and hands them, up to `limit` at once, to `work` in a thread of its own.

    `delay` (seconds) waits for more before a batch, where answers are in no hurry.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[Sequence[Request]], Sequence[Any]],
        *,
        limit: int,
        delay: float = 0.0,
    ) -> None:
        self._name, self._work, self._limit, self._delay = name, work, limit, delay
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
                size = min(self._limit, len(self._waiting))
                batch = [self._waiting.popleft() for _ in range(size)]
                requests = [request for request, _ in batch]
                outcomes = await loop.run_in_executor(self._thread, self._safely, requests)
                for (_, answer), outcome in zip(batch, outcomes, strict=True):
                    answer(outcome)
        finally:
            self._running = None

    def _safely(self, requests: Sequence[Request]) -> Sequence[Any]:
        try:
            return self._work(requests)
        except Exception:
            # Nothing of the batch is durable. The senders are told, and their retry is harmless.
            log.exception("batch_failed", writer=self._name, requests=len(requests))
            connection.close()
            return [from_status(503, "Not stored; try again.", "unavailable")] * len(requests)


leases = Leases("messages")  # of the one thread that `sends` works in


def send_batch(requests: Sequence[SendRequest]) -> list[Sent | DomainError]:
    """`messages_send` behind the senders' token buckets."""
    wanted = Counter(str(request.sender_id) for request in requests)
    granted = {key: list(answer) for key, answer in leases.take_many(wanted).items()}
    outcomes: list[Sent | DomainError | None] = []
    allowed: list[SendRequest] = []
    for request in requests:
        left = granted[str(request.sender_id)]
        if left[0] > 0:
            left[0] -= 1
            allowed.append(request)
            outcomes.append(None)
        else:
            outcomes.append(LimitExceeded(retry_after=max(1, left[1])))
    stored = iter(messages_send(allowed) if allowed else ())
    return [next(stored) if outcome is None else outcome for outcome in outcomes]


sends: GroupCommit[SendRequest] = GroupCommit("sends", send_batch, limit=256)
receipts: GroupCommit[Any] = GroupCommit("receipts", cursors_move, limit=512, delay=0.05)
