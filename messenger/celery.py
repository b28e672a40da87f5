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

# A task that waits for its retry stays unacknowledged: after the visibility timeout the queue would
# deliver it a second time.
LONGEST_PAUSE = 240  # seconds


class Task(CeleryTask):  # type: ignore[misc]
    """A task that is retried with growing random pauses while a service is unavailable.

    Permanent failures are stored for staff to replay, unless `keeps_failures` is false, as for
    tasks that beat enqueues again anyway.
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
        """Store and ignore a task that has killed its worker repeatedly."""
        from messenger.core import failures

        if self._is_redelivered() and failures.is_poison(task_id):
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

    def _is_redelivered(self) -> bool:
        return bool((self.request.delivery_info or {}).get("redelivered"))


queue.install()
app = Celery("messenger", task_cls=Task)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
