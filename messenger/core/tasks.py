"""Tasks of the kernel: relaying the outbox and pruning tables."""

from __future__ import annotations

from celery import shared_task
from redis.exceptions import RedisError

from messenger.core import relay_wakeup
from messenger.core.failures import failed_tasks_prune
from messenger.core.health import report_worker
from messenger.core.outbox import outbox_prune
from messenger.core.relay import OutboxRelay

outbox_relay = OutboxRelay()


@shared_task(name=relay_wakeup.TASK, autoretry_for=(), keeps_failures=False)
def relay_outbox() -> None:
    """Relay the outbox; enqueued by the process that wrote to it, after its commit."""
    if outbox_relay.run():
        relay_wakeup.release()
        relay_wakeup.enqueue_relay()


@shared_task(name="core.sweep_outbox", autoretry_for=(), keeps_failures=False)
def sweep_outbox() -> None:
    """Relay the outbox unless a relay is enqueued or running; beat enqueues this every 5 seconds.

    Also reports to health that beat, the queue and a worker are alive.
    """
    try:
        report_worker()
        is_ours = relay_wakeup.claim()
    except RedisError:
        is_ours = True
    if is_ours:
        relay_outbox()
        outbox_relay.check_broker()


@shared_task(name="core.prune")
def prune() -> int:
    """Delete old published events and old failed tasks; beat enqueues this every hour."""
    return outbox_prune() + failed_tasks_prune()
