"""Tasks that failed permanently: stored for a replay by staff, and pruned.

Arguments may contain a mail with a sign-in link, so they are encrypted with a key derived from
`SECRET_KEY` and never shown. Only the first line of an error is stored, without e-mail addresses,
because errors of databases and mail servers quote rows and recipients.
"""

from __future__ import annotations

import base64
import re
import traceback
from collections.abc import Iterable
from datetime import timedelta
from hashlib import sha256
from typing import Any

import orjson
import structlog
from celery import current_app
from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.db import Error as DatabaseError
from django.utils import timezone
from redis.exceptions import RedisError

from messenger.core.models import FailedTask
from messenger.core.redis import client

log = structlog.get_logger("messenger.tasks")
RETENTION = timedelta(days=30)
# A task that was redelivered this often has killed its worker each time.
WORKERS_LOST = 3
COUNT_SECONDS = 24 * 3600
ADDRESS = re.compile(r"[^\s<>(),;:]+@[^\s<>(),;:]+")


class WorkerLost(Exception):
    """The worker died repeatedly while it ran this task."""

    def __str__(self) -> str:
        return "the worker died repeatedly while it ran this task"


def is_poison(task_id: str) -> bool:
    """Count a redelivery; whether the task must not be started again."""
    key = f"task:lost:{task_id}"
    try:
        pipeline = client().pipeline()
        pipeline.incr(key)
        pipeline.expire(key, COUNT_SECONDS)
        count, _ = pipeline.execute()
    except RedisError:
        return False
    return int(count) >= WORKERS_LOST


def task_failed(
    *, name: str, task_id: str, arguments: tuple[Any, Any], error: BaseException
) -> None:
    """Store a task that is not retried any more. Raises nothing; a failure to store is logged."""
    args, kwargs = arguments
    log.error("task_failed", task=name, task_id=task_id, error=type(error).__name__)
    try:
        FailedTask.objects.create(
            task_id=task_id,
            name=name,
            arguments=_cipher().encrypt(orjson.dumps([args, kwargs])),
            error=_summary(error),
            traceback="".join(traceback.format_tb(error.__traceback__))[-20_000:],
        )
    except (DatabaseError, TypeError) as problem:
        log.error(
            "failed_task_not_stored", task=name, task_id=task_id, error=type(problem).__name__
        )


def failed_tasks_replay(tasks: Iterable[FailedTask]) -> tuple[int, int]:
    """Enqueue the tasks again, each once; returns the numbers of enqueued and skipped tasks.

    Skips tasks that were replayed before, and those stored under another `SECRET_KEY`.
    Raises kombu's `OperationalError` where the task queue is unavailable.
    """
    replayed = skipped = 0
    for task in tasks:
        arguments = _decrypted(task)
        if task.replayed_at is not None or arguments is None:
            skipped += 1
            continue
        args, kwargs = arguments
        current_app.send_task(task.name, args, kwargs, retry=False, argsrepr="()", kwargsrepr="{}")
        FailedTask.objects.filter(pk=task.pk).update(replayed_at=timezone.now())
        replayed += 1
    return replayed, skipped


def failed_tasks_prune() -> int:
    """Delete tasks that failed more than 30 days ago; returns their number."""
    return FailedTask.objects.filter(failed_at__lt=timezone.now() - RETENTION).delete()[0]


def _summary(error: BaseException) -> str:
    # PostgreSQL shows the row in the second line.
    first_line = str(error).partition("\n")[0]
    return f"{type(error).__name__}: {ADDRESS.sub('(address)', first_line)}"[:300]


def _cipher() -> Fernet:
    key = sha256(b"failed tasks:" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))


def _decrypted(task: FailedTask) -> tuple[list[Any], dict[str, Any]] | None:
    try:
        args, kwargs = orjson.loads(_cipher().decrypt(bytes(task.arguments)))
    except InvalidToken:
        return None
    return args, kwargs
