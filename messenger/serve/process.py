"""Start and end of a web process, common to both servers."""

from __future__ import annotations

import asyncio
import gc
import importlib
import logging
import os
import threading

# The gateway enforces the protocol's limit, 64 KiB; over this one the server closes with 1009.
FRAME_LIMIT = 70_000
# For closing the sockets, finishing requests and stopping the threads, together.
EXIT_SECONDS = 2.3
CLOSE_SECONDS = 1.2
# With Python's defaults, collections take a tenth of the time under load and free almost nothing.
GARBAGE_THRESHOLDS = (20_000, 20, 20)

logger = logging.getLogger(__name__)


def freeze_memory() -> None:
    """Exclude the objects loaded so far from garbage collection.

    Traversing all of Django in each full collection delayed every socket by tens of milliseconds.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)


def wait_at(gate: int | None) -> None:
    """Wait until the other end of the pipe is closed; it carries no data."""
    if gate is not None:
        os.read(gate, 1)
        os.close(gate)


async def close_sockets() -> None:
    """Let the gateway close its sockets with 1012; errors are logged, the time is limited."""
    gateway = importlib.import_module("messenger.gateway")
    try:
        await asyncio.wait_for(gateway.shutdown(), CLOSE_SECONDS)
    except Exception:  # the process ends anyway
        logger.exception("the sockets were not closed in order")


def exit_by_deadline() -> None:
    """End the process after EXIT_SECONDS, even if a thread hangs in a query."""
    last_resort = threading.Timer(EXIT_SECONDS, os._exit, [0])
    last_resort.daemon = True
    last_resort.start()
