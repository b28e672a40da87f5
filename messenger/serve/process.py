"""How a web process begins and ends, whichever server it runs."""

from __future__ import annotations

import asyncio
import gc
import importlib
import logging
import os
import threading

# The protocol's limit is 64 KiB and the gateway's to tell; beyond this the server closes with 1009.
FRAME_LIMIT = 70_000
# Shared by the sockets' farewell, the requests under way and the end of the threads.
LEAVE_SECONDS = 2.3
FAREWELL_SECONDS = 1.2
# With less, looking for garbage is a tenth of the time under load, and hardly ever finds any.
GARBAGE_THRESHOLDS = (20_000, 20, 20)

logger = logging.getLogger(__name__)


def settle_memory() -> None:
    """Take what is loaded for good out of the garbage collector's sight.

    Looking through all of Django again and again held every socket up for tens of milliseconds.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)


def wait_at(gate: int | None) -> None:
    """Wait until the other end of the pipe is closed; nothing is ever written to it."""
    if gate is not None:
        os.read(gate, 1)
        os.close(gate)


async def say_farewell() -> None:
    """Let the gateway close its sockets with 1012, for a limited time and whatever goes wrong."""
    gateway = importlib.import_module("messenger.gateway")
    try:
        await asyncio.wait_for(gateway.shutdown(), FAREWELL_SECONDS)
    except Exception:  # the process ends all the same
        logger.exception("the sockets were not closed in order")


def leave_for_certain() -> None:
    """End the process after LEAVE_SECONDS, even if a thread hangs in a query."""
    last_resort = threading.Timer(LEAVE_SECONDS, os._exit, [0])
    last_resort.daemon = True
    last_resort.start()
