"""Failed tasks are stored without secrets and can be replayed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from celery.exceptions import Ignore, Retry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from messenger.celery import LONGEST_PAUSE, app
from messenger.core import failures
from messenger.core.models import FailedTask
from messenger.core.redis import client as redis_client
from messenger.core.tasks import prune
from tests.core import failing_tasks
from tests.factories import UserFactory
from tests.web import ROOT, database_url

SECRET = "https://example.org/reset/very-secret"


def run(task, *args, **request):
    """Run a task with its hooks, as a worker does."""
    return task.apply(args, throw=False, **request)


@pytest.fixture
def failed_task(db) -> FailedTask:
    run(failing_tasks.raises, SECRET)
    return FailedTask.objects.get()


@pytest.fixture
def enqueued(monkeypatch):
    sent: list[tuple] = []
    monkeypatch.setattr(
        failures.current_app, "send_task", lambda name, args, kwargs, **_: sent.append((name, args))
    )
    return sent


def test_failed_task_is_stored_without_secrets(failed_task):
    assert failed_task.name == "tests.raises"
    assert failed_task.error == "ValueError: no such thing for (address)"
    assert "failing_tasks.py" in failed_task.traceback
    assert b"very-secret" not in bytes(failed_task.arguments)
    assert "very-secret" not in failed_task.error + failed_task.traceback


def test_failed_task_is_replayed_once(failed_task, enqueued):
    assert failures.failed_tasks_replay([failed_task]) == (1, 0)
    failed_task.refresh_from_db()
    assert failed_task.replayed_at is not None
    assert failures.failed_tasks_replay([failed_task]) == (0, 1)
    assert enqueued == [("tests.raises", [SECRET])]


def test_failed_task_is_not_replayed_with_another_secret_key(failed_task, enqueued, settings):
    settings.SECRET_KEY = "another key of sufficient length for the purpose"
    assert failures.failed_tasks_replay([failed_task]) == (0, 1)
    assert enqueued == []


def test_only_superusers_see_and_replay_failed_tasks(failed_task, enqueued):
    page = reverse("admin:core_failedtask_changelist")
    action = {"action": "replay", "_selected_action": [failed_task.pk]}
    staff = Client()
    staff.force_login(UserFactory(username="support", is_staff=True))
    assert staff.get(page).status_code == 403
    assert staff.post(page, action).status_code == 403
    root = Client()
    root.force_login(UserFactory(username="root_1", is_staff=True, is_superuser=True))
    shown = (
        root.get(page).content
        + root.get(reverse("admin:core_failedtask_change", args=[failed_task.pk])).content
    )
    assert b"tests.raises" in shown
    assert b"very-secret" not in shown
    assert root.post(page, action).status_code == 302
    assert enqueued == [("tests.raises", [SECRET])]


@pytest.mark.django_db
def test_old_failed_tasks_are_pruned(failed_task):
    FailedTask.objects.update(failed_at=timezone.now() - timedelta(days=31))
    prune()
    assert not FailedTask.objects.exists()


@pytest.mark.django_db
def test_unavailable_service_is_retried_with_growing_random_pauses(monkeypatch):
    task = app.tasks["core.prune"]
    pauses = []

    def fail():
        raise ConnectionRefusedError

    def retry(**options):
        pauses.append(options["countdown"])
        raise Retry

    monkeypatch.setattr(task, "_orig_run", fail)
    monkeypatch.setattr(task, "retry", retry)
    for retries in (0, 3, 20):
        task.push_request(retries=retries)
        for _ in range(50):
            with pytest.raises(Retry):
                task.run()
        task.pop_request()
    assert max(pauses[:50]) <= 2
    assert 2 < max(pauses[50:100]) <= 16
    assert len(set(pauses[100:])) > 10
    assert max(pauses) <= LONGEST_PAUSE


def test_no_pause_exceeds_the_visibility_timeout(settings):
    assert (
        settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]
        > settings.CELERY_TASK_TIME_LIMIT
    )
    assert settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"] > LONGEST_PAUSE
    task = app.tasks["core.prune"]
    task.push_request(called_directly=False, retries=0, args=(), kwargs={}, id="x", is_eager=True)
    with pytest.raises(Retry) as raised:
        task.retry(countdown=5000, throw=True, exc=ValueError())
    task.pop_request()
    assert raised.value.when <= LONGEST_PAUSE


@pytest.mark.redis
@pytest.mark.django_db
def test_task_that_lost_several_workers_is_not_started_again():
    task = failing_tasks.raises
    for number in range(1, failures.WORKERS_LOST + 1):
        task.push_request(delivery_info={"redelivered": True}, id="poison-1")
        if number < failures.WORKERS_LOST:
            task.before_start("poison-1", [SECRET], {})
        else:
            with pytest.raises(Ignore):
                task.before_start("poison-1", [SECRET], {})
        task.pop_request()
    assert FailedTask.objects.get().error.startswith("WorkerLost")
    redis_client().delete("task:lost:poison-1")


@pytest.mark.redis
@pytest.mark.django_db(transaction=True)
def test_task_that_kills_its_worker_is_stored():
    queue = f"failing-tasks-{os.getpid()}"
    worker = subprocess.Popen(
        [
            sys.executable,
            *("-m", "celery", "-A", "messenger", "worker", "--queues", queue),
            *("--include", "tests.core.failing_tasks", "--pool", "prefork", "--concurrency", "1"),
            *("--without-gossip", "--without-mingle", "--loglevel", "ERROR"),
        ],
        env={**os.environ, "DATABASE_URL": database_url(), "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        app.send_task("tests.kills_its_worker", [SECRET], queue=queue)
        app.send_task("tests.raises", [SECRET], queue=queue)
        until = time.monotonic() + 60
        while FailedTask.objects.count() < 2 and time.monotonic() < until:
            time.sleep(0.2)
        assert set(FailedTask.objects.values_list("name", flat=True)) == {
            "tests.kills_its_worker",
            "tests.raises",
        }
    finally:
        worker.terminate()
        worker.wait(20)


@pytest.mark.redis
def test_lost_connection_of_an_unacknowledged_task_is_a_connection_error():
    connection = app.connection_for_write()
    channel = connection.channel()
    errors = connection.connection_errors
    connection.release()
    with pytest.raises(errors), channel.conn_or_acquire():
        pass
