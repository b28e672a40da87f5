"""Where the event loop's database work happens: threads of our own.

Channels' `database_sync_to_async` is one thread for the whole process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from django.db import close_old_connections

T = TypeVar("T")

_threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix="gateway")


async def in_thread(call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Run blocking `call` in a thread with a database connection of the pool."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_threads, _borrowed, partial(call, *args, **kwargs))


def _borrowed(call: Callable[[], T]) -> T:
    try:
        return call()
    finally:
        close_old_connections()  # gives the connection back to the pool
