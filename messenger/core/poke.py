"""Waking the outbox relay: from one thread per process, seldom, and never in anybody's way.

A key in Redis says that the relay has been asked for, or is at work: while it is there nobody asks
again, however many processes write events. The key is a hint about who need not bother; that only
one relay works at a time is PostgreSQL's business (see `core.relay`). It expires, so that a relay
that died with it delays the next one by seconds.
"""

from __future__ import annotations

import os
import threading
import time

import structlog
from celery import current_app
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from messenger.core.redis import breaker, client

log = structlog.get_logger("messenger.outbox")
KEY = "outbox:relay"
KEY_SECONDS = 15  # longer than the longest turn of a relay, which holds it anew at each
INTERVAL = 0.25  # seconds between two questions of one process; the first is asked at once
TASK = "core.relay_outbox"
FIRST = 0  # of all tasks that wait: whatever follows an event waits for the relay


def relay_wanted() -> None:
    """Have the relay look soon. Costs the caller a microsecond and no I/O."""
    _poker.poke()


def ask() -> None:
    """Put a relay into the task queue unless one is there; beat's sweep makes good a failure."""
    if not breaker.closed:
        return
    try:
        if claim():
            current_app.send_task(TASK, retry=False, ignore_result=True, priority=FIRST)
        breaker.succeeded()
    except (RedisError, OperationalError) as error:
        breaker.failed()
        log.warning("relay_not_asked", error=type(error).__name__)


def claim() -> bool:
    """Whether it is on the caller to run, or ask for, the relay. Raises `RedisError`."""
    return bool(client().set(KEY, 1, nx=True, ex=KEY_SECONDS))


def hold() -> None:
    """The relay is still at work. Raises `RedisError`."""
    client().set(KEY, 1, ex=KEY_SECONDS)


def release() -> None:
    """The relay may be asked for again. Raises `RedisError`."""
    client().delete(KEY)


class Poker:
    """The thread that asks; a poke while one waits to be asked says nothing new."""

    def __init__(self) -> None:
        self._wanted = threading.Event()
        self._lock = threading.Lock()
        self._pid = 0

    def poke(self) -> None:
        if self._pid != os.getpid():
            self._start()
        if not self._wanted.is_set():
            self._wanted.set()

    def _start(self) -> None:
        with self._lock:
            if self._pid != os.getpid():  # also after a fork: threads do not survive it
                self._wanted = threading.Event()
                threading.Thread(target=self._run, name="relay-poker", daemon=True).start()
                self._pid = os.getpid()

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            ask()
            time.sleep(INTERVAL)


_poker = Poker()
