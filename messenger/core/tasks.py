"""The kernel's own tasks: relaying the outbox, and keeping it small."""

from __future__ import annotations

from celery import shared_task
from redis.exceptions import RedisError

from messenger.core import poke
from messenger.core.relay import relay


@shared_task(name=poke.TASK, autoretry_for=())
def relay_outbox() -> None:
    """Tell what waits in the outbox; asked for after a commit, by whoever wrote there."""
    if relay():
        poke.release()
        poke.ask()


@shared_task(name="core.sweep_outbox", autoretry_for=())
def sweep_outbox() -> None:
    """The same, from beat every few seconds, unless a relay has been asked for or is at work."""
    try:
        is_ours = poke.claim()
    except RedisError:
        is_ours = True
    if is_ours:
        relay_outbox()
