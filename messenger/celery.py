"""The Celery application; `celery -A messenger worker -B` finds it here."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery import Task as CeleryTask
from celery.exceptions import Ignore
from django.db import InterfaceError, OperationalError
from kombu.exceptions import OperationalError as QueueError
from redis.exceptions import RedisError

from messenger import queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "messenger.settings.dev")

# A task that waits for its retry is still held by its worker: were that longer than the queue's
# visibility timeout, the queue would hand it out a second time.
LONGEST_PAUSE = 240  # seconds


class Task(CeleryTask):  # type: ignore[misc]
    """A task that is tried again, with growing and scattered pauses, while something is away.

    What fails for good is kept for staff to see and to replay, unless `keeps_failures` is false:
    for what beat starts anew anyway.
    """

    autoretry_for = (OSError, OperationalError, InterfaceError, QueueError, RedisError)
    max_retries = 8
    retry_backoff = 2
    retry_backoff_max = LONGEST_PAUSE
    retry_jitter = True
    keeps_failures = True

    def retry(self, *args: Any, countdown: float | None = None, **options: Any) -> Any:
        pause = self.default_retry_delay if countdown is None else countdown
        return super().retry(*args, countdown=min(pause, LONGEST_PAUSE), **options)

    def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
        """Give up on a task that takes its worker down with it, time and again."""
        from messenger.core import failures

        if self._is_handed_out_again() and failures.is_poison(task_id):
            failures.task_failed(
                name=self.name,
                task_id=task_id,
                arguments=(args, kwargs),
                error=failures.WorkerLost(),
            )
            raise Ignore

    def on_failure(self, exc: BaseException, task_id: str, args: Any, kwargs: Any, _: Any) -> None:
        from messenger.core import failures

        if self.keeps_failures:
            failures.task_failed(
                name=self.name, task_id=task_id, arguments=(args, kwargs), error=exc
            )

    def _is_handed_out_again(self) -> bool:
        return bool((self.request.delivery_info or {}).get("redelivered"))


queue.install()
app = Celery("messenger", task_cls=Task)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
