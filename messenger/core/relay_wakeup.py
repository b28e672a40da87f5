"""Wake-ups of the outbox relay, sent by one thread per process so that no request waits for them.

While a key in Redis exists, the relay is enqueued or running, and no process enqueues it again. The
key only avoids needless tasks; an advisory lock in PostgreSQL keeps two relays from running at once
(see `core.relay`). The key expires, so a relay that was killed delays the next one by seconds.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

import structlog
from celery import current_app
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from messenger.core.redis import breaker, client

log = structlog.get_logger("messenger.outbox")
KEY = "outbox:relay"
KEY_SECONDS = 15  # longer than the longest batch; the relay renews the key before each one
INTERVAL = 0.25  # seconds between two wake-ups of one process; the first is sent at once
TASK = "core.relay_outbox"
FIRST = 0  # the highest task priority: the handlers of an event wait for the relay


def wake_relay() -> None:
    """Have the relay run soon. Takes a microsecond and does no I/O."""
    _wakeups.request()


def enqueue_relay() -> None:
    """Enqueue the relay unless it is enqueued or running.

    Failures are logged and not retried: beat runs the relay every few seconds anyway.
    """
    if not breaker.closed:
        return
    try:
        if claim():
            current_app.send_task(TASK, retry=False, ignore_result=True, priority=FIRST)
        breaker.succeeded()
    except (RedisError, OperationalError) as error:
        breaker.failed()
        log.warning("relay_not_enqueued", error=type(error).__name__)


def claim() -> bool:
    """Set the key; whether the caller has to run or enqueue the relay. Raises `RedisError`."""
    return bool(client().set(KEY, 1, nx=True, ex=KEY_SECONDS))


def hold() -> None:
    """Renew the key of the running relay. Raises `RedisError`."""
    client().set(KEY, 1, ex=KEY_SECONDS)


def release() -> None:
    """Delete the key, so that the relay can be enqueued again. Raises `RedisError`."""
    client().delete(KEY)


class WakeupThread:
    """Calls `enqueue` in a thread after `request`. Requests made while one is pending coalesce."""

    def __init__(self, enqueue: Callable[[], None] = enqueue_relay) -> None:
        self._enqueue = enqueue
        self._pending = threading.Event()
        self._lock = threading.Lock()
        self._pid = 0

    def request(self) -> None:
        """Have `enqueue` called soon. Starts the thread on first use."""
        if self._pid != os.getpid():
            self._start()
        if not self._pending.is_set():
            self._pending.set()

    def _start(self) -> None:
        with self._lock:
            if self._pid != os.getpid():  # also in a forked process, which has no threads yet
                self._pending = threading.Event()
                threading.Thread(target=self._run, name="relay-wakeup", daemon=True).start()
                self._pid = os.getpid()

    def _run(self) -> None:
        while True:
            self._pending.wait()
            self._pending.clear()
            self._enqueue()
            time.sleep(INTERVAL)


_wakeups = WakeupThread()
