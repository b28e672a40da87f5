"""Tasks that failed for good: kept with what is needed to run them again, and pruned.

Arguments may be a mail with a link that signs in, so they are encrypted at rest with a key made of
`SECRET_KEY`, and shown to nobody. Of an error only its first line is kept, without addresses:
databases and mail servers put rows and people into theirs.
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
KEPT = timedelta(days=30)
# A task that was handed out again more often than this has taken its worker down each time.
WORKERS_LOST = 3
COUNT_SECONDS = 24 * 3600
ADDRESS = re.compile(r"[^\s<>(),;:]+@[^\s<>(),;:]+")


class WorkerLost(Exception):
    """The worker died while it ran this task, time and again."""

    def __str__(self) -> str:
        return "the worker died of it, time and again"


def is_poison(task_id: str) -> bool:
    """Count that the task is handed out again; whether that was once too often."""
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
    """Keep a task that will not be tried again. Raises nothing: without a database it is logged."""
    args, kwargs = arguments
    log.error("task_failed", task=name, task_id=task_id, error=type(error).__name__)
    try:
        FailedTask.objects.create(
            task_id=task_id,
            name=name,
            arguments=_cipher().encrypt(orjson.dumps([args, kwargs])),
            error=_named(error),
            traceback="".join(traceback.format_tb(error.__traceback__))[-20_000:],
        )
    except (DatabaseError, TypeError) as problem:
        log.error("task_not_kept", task=name, task_id=task_id, error=type(problem).__name__)


def failed_tasks_replay(tasks: Iterable[FailedTask]) -> tuple[int, int]:
    """Queue the tasks anew, each once; returns how many were queued, and how many could not be:
    they were replayed already, or `SECRET_KEY` has changed since.

    Raises kombu's `OperationalError` where the queue is away.
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
    """Delete what failed a month ago; returns the number."""
    return FailedTask.objects.filter(failed_at__lt=timezone.now() - KEPT).delete()[0]


def _named(error: BaseException) -> str:
    # The first line only: PostgreSQL's second one shows the row.
    said = str(error).partition("\n")[0]
    return f"{type(error).__name__}: {ADDRESS.sub('(address)', said)}"[:300]


def _cipher() -> Fernet:
    key = sha256(b"failed tasks:" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))


def _decrypted(task: FailedTask) -> tuple[list[Any], dict[str, Any]] | None:
    try:
        args, kwargs = orjson.loads(_cipher().decrypt(bytes(task.arguments)))
    except InvalidToken:
        return None
    return args, kwargs
