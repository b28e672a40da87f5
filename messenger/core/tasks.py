"""The kernel's own tasks: relaying the outbox, and keeping tables small."""

from __future__ import annotations

from celery import shared_task
from redis.exceptions import RedisError

from messenger.core import poke
from messenger.core.failures import failed_tasks_prune
from messenger.core.health import worker_seen
from messenger.core.outbox import outbox_prune
from messenger.core.relay import broker_check, relay


@shared_task(name=poke.TASK, autoretry_for=(), keeps_failures=False)
def relay_outbox() -> None:
    """Tell what waits in the outbox; asked for after a commit, by whoever wrote there."""
    if relay():
        poke.release()
        poke.ask()


@shared_task(name="core.sweep_outbox", autoretry_for=(), keeps_failures=False)
def sweep_outbox() -> None:
    """The same, from beat every few seconds, unless a relay has been asked for or is at work.

    That it runs is also how health knows of beat, the queue and a worker.
    """
    try:
        worker_seen()
        is_ours = poke.claim()
    except RedisError:
        is_ours = True
    if is_ours:
        relay_outbox()
        broker_check()


@shared_task(name="core.prune")
def prune() -> int:
    """Delete old published events and old failed tasks; beat calls it every hour."""
    return outbox_prune() + failed_tasks_prune()
