"""Consume commands from the broker: message.send, .edit, .read and .delete."""

from __future__ import annotations

import random
import signal
import threading
from typing import Any

import structlog
from django.core.management.base import BaseCommand
from django.db import close_old_connections

from apps.messages.commands.broker import TOPICS, UNAVAILABLE, commands_do
from messenger.core.brokers import BrokerUnavailable, Consumer, broker, dead_letter

log = structlog.get_logger("messenger.commands")
GROUP = "lumin.commands"
BATCH = 64
POLL_SECONDS = 1.0
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 15.0


class Command(BaseCommand):
    """Runs until SIGTERM; several processes share the topics."""

    help = __doc__ or ""
    requires_migrations_checks = False

    def handle(self, *args: Any, **options: Any) -> None:
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        pause = FIRST_PAUSE
        while not stopping.is_set():
            try:
                consumer = broker().subscribe(TOPICS, GROUP)
            except BrokerUnavailable as error:
                log.warning("broker_unavailable", error=str(error))
                stopping.wait(pause * random.uniform(0.5, 1.5))  # noqa: S311
                pause = min(2 * pause, LONGEST_PAUSE)
                continue
            pause = FIRST_PAUSE
            try:
                consume(consumer, stopping)
            except BrokerUnavailable as error:
                log.warning("broker_unavailable", error=str(error))
                stopping.wait(pause)
            finally:
                consumer.close()
        broker().close()


def consume(consumer: Consumer, stopping: threading.Event) -> None:
    """Per batch: carry out, publish the dead letters, commit; in this order, to lose nothing."""
    while not stopping.is_set():
        received = consumer.poll(BATCH, POLL_SECONDS)
        if not received:
            continue
        pause = FIRST_PAUSE
        while True:
            try:
                refused = commands_do(received)
                break
            except UNAVAILABLE as error:  # nothing was carried out, nothing is skipped
                log.warning("database_unavailable", error=type(error).__name__)
                if stopping.wait(pause):
                    return
                pause = min(2 * pause, LONGEST_PAUSE)
            finally:
                close_old_connections()
        for command, reason in refused:
            log.warning("command_refused", topic=command.topic, code=reason.partition(":")[0])
        broker().publish([dead_letter(command, reason) for command, reason in refused])
        consumer.commit()
