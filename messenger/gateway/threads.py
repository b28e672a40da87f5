"""Blocking calls in threads, and tasks that are not awaited.

Channels' `database_sync_to_async` has one thread for the whole process; this pool has eight.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import structlog
from django.db import close_old_connections

T = TypeVar("T")
log = structlog.get_logger("messenger.hub")

_threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix="gateway")


async def in_thread(call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Run blocking `call` in a thread with a database connection of the pool."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_threads, _borrowed, partial(call, *args, **kwargs))


def _borrowed(call: Callable[[], T]) -> T:
    try:
        return call()
    finally:
        close_old_connections()  # returns the connection to the pool


def spawn(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Run a coroutine as a task; its exception is logged."""
    task = asyncio.ensure_future(work)
    _spawned.add(task)
    task.add_done_callback(_finished)
    return task


def _finished(task: asyncio.Task[None]) -> None:
    _spawned.discard(task)
    if not task.cancelled() and task.exception() is not None:
        log.warning("task_failed", error=repr(task.exception()))


_spawned: set[asyncio.Task[None]] = set()
