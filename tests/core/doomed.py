"""Tasks that fail, each in its way; the worker of a test imports them."""

from __future__ import annotations

import os
import signal

from celery import shared_task


@shared_task(name="tests.kills_its_worker")
def kills_its_worker(secret: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@shared_task(name="tests.raises")
def raises(secret: str) -> None:
    raise ValueError(f"no such thing for eve@example.org\nDETAIL: {secret}")
