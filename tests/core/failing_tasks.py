"""Tasks that fail, for the worker that a test starts."""

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
