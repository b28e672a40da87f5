"""Health, readiness and metrics."""

from __future__ import annotations

import os
import queue
import re
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from redis.exceptions import RedisError

from apps.accounts.events import UserDeleted
from messenger.core import events, health, relay_wakeup, tasks
from messenger.core.brokers import BrokerUnavailable
from messenger.core.brokers.none import NoBroker
from messenger.core.models import FailedTask, OutboxEvent
from messenger.core.outbox import outbox_lag, outbox_prune, outbox_retry
from messenger.core.redis import client as redis_client
from messenger.core.relay import OutboxRelay
from messenger.core.tasks import sweep_outbox
from tests.web import ROOT

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_reports(monkeypatch):
    """No worker or broker has reported yet, and sweeps publish to no broker."""
    monkeypatch.setattr(tasks, "outbox_relay", relay_to(NoBroker()))
    _delete_reports()
    yield
    _delete_reports()


def _delete_reports() -> None:
    with suppress(RedisError):
        redis_client().delete(health.WORKER, health.BROKER, relay_wakeup.KEY)


def relay_to(broker) -> OutboxRelay:
    return OutboxRelay(broker=lambda: broker, pause=0)


def ready() -> tuple[str, dict]:
    body = Client().get("/health/ready").json()
    return body["status"], body["components"]


def emitted(**changes) -> OutboxEvent:
    """A new outbox row, with these columns changed."""
    events.emit(UserDeleted(user_id=uuid4()), actor_id=None)
    row = OutboxEvent.objects.latest("id")
    OutboxEvent.objects.filter(pk=row.pk).update(**changes)
    return row


def ago(seconds: float):
    return timezone.now() - timedelta(seconds=seconds)


@pytest.mark.redis
def test_ready_names_each_component():
    sweep_outbox()
    status, components = ready()
    assert status == "ready"
    assert {name: part["status"] for name, part in components.items()} == {
        "database": "up",
        "outbox": "up",
        "redis": "up",
        "workers": "up",
        "broker": "up",
    }


def test_without_a_worker_it_is_degraded():
    status, components = ready()
    assert (status, components["workers"]["status"]) == ("degraded", "down")
    assert components["broker"]["status"] == "unknown"


@pytest.mark.redis
def test_unavailable_broker_makes_it_degraded_and_shows_the_lag(monkeypatch):
    class Unavailable(NoBroker):
        def publish(self, records):
            raise BrokerUnavailable("unavailable")

    monkeypatch.setattr(tasks, "outbox_relay", relay_to(Unavailable()))
    emitted(created_at=ago(90))
    emitted()
    sweep_outbox()
    status, components = ready()
    assert status == "degraded"
    assert components["broker"]["status"] == "down"
    outbox = components["outbox"]
    assert (outbox["status"], outbox["waiting"]) == ("late", 2)
    assert 89 < outbox["oldest_seconds"] < 120


def test_published_and_refused_events_do_not_count_as_waiting():
    emitted(published_at=timezone.now())
    emitted(refusal="too large", is_dispatched=True)
    lag = outbox_lag()
    assert (lag.waiting, lag.oldest_seconds, lag.refused) == (0, 0, 1)


def test_a_refused_event_can_be_tried_again():
    row = emitted(refusal="too large", is_dispatched=True)
    assert outbox_retry([row]) == 1
    relay_to(NoBroker()).run()
    row.refresh_from_db()
    assert row.published_at is not None
    assert outbox_retry([row]) == 0


def test_pruning_deletes_old_published_events_and_keeps_waiting_ones(settings):
    old = settings.OUTBOX_RETENTION + 60
    emitted(created_at=ago(old), published_at=ago(old))
    waits = emitted(created_at=ago(old))
    refused = emitted(created_at=ago(old), refusal="too large")
    late = emitted(created_at=ago(old), published_at=ago(5))
    gone_too = emitted(created_at=ago(old), published_at=ago(old))
    young = emitted(published_at=timezone.now())
    assert outbox_prune() == 2
    left = set(OutboxEvent.objects.values_list("pk", flat=True))
    assert left == {waits.pk, refused.pk, late.pk, young.pk}
    assert gone_too.pk not in left


def test_pruning_goes_on_over_slices(settings):
    old = settings.OUTBOX_RETENTION + 60
    for _ in range(7):
        emitted(created_at=ago(old), published_at=ago(old))
    assert outbox_prune(slice_size=2) == 7


def value(text: str, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    assert found, f"no {name}"
    return float(found.group(1))


def test_metrics_count_requests_messages_and_waiting_events(api, alice, bob):
    answered = 'lumin_http_requests_total{method="POST",route="api:messages",status="201"}'
    before = Client().get("/metrics").content.decode()
    chat = api(alice).post("/chats", {"kind": "direct", "user_id": str(bob.id)}).json()
    for _ in range(3):
        api(alice).post("/messages", {"chat_id": chat["id"], "text": "not in the metrics"})
    api(alice).generic("BREW", "/messages")
    emitted(refusal="too large")
    FailedTask.objects.create(task_id="x", name="x", arguments=b"", error="x")
    text = Client().get("/metrics").content.decode()
    assert value(text, answered) - (value(before, answered) if answered in before else 0) == 3
    sent = "lumin_messages_sent_total"
    assert value(text, sent) - value(before, sent) == 3
    assert value(text, "lumin_outbox_waiting") >= 4
    assert value(text, "lumin_outbox_refused") == 1
    assert value(text, "lumin_failed_tasks") == 1
    assert "BREW" not in text
    assert "not in the metrics" not in text


@pytest.mark.redis
def test_metrics_count_published_events():
    before = Client().get("/metrics").content.decode()
    emitted()
    relay_to(NoBroker()).run()
    after = Client().get("/metrics").content.decode()
    name = "lumin_relay_published_total"
    assert value(after, name) - value(before, name) == 1


def test_metrics_need_the_token_or_a_local_caller(settings):
    def status(**kwargs):
        return Client().get("/metrics", **kwargs).status_code

    assert status() == 200
    assert status(REMOTE_ADDR="192.0.2.1") == 404
    assert status(headers={"X-Forwarded-For": "192.0.2.1"}) == 404
    settings.METRICS_TOKEN = "a token"
    assert status() == 404
    assert status(headers={"Authorization": "Bearer another"}) == 404
    assert status(headers={"Authorization": "Bearer a token"}, REMOTE_ADDR="192.0.2.1") == 200


COUNT = """
import django; django.setup()
from messenger.core import metrics
metrics.messages_sent.inc(2)
metrics.socket_connections.inc()
print("counted", flush=True)
import sys; sys.stdin.read()
"""
ASK = """
import django; django.setup()
from django.test import RequestFactory
from messenger.core import metrics
metrics.Shared.collect = lambda self: iter(())
print(metrics.metrics(RequestFactory().get("/metrics")).content.decode())
"""


def test_metrics_of_processes_are_added_and_dead_ones_have_no_sockets(tmp_path):
    env = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}

    def start() -> subprocess.Popen[bytes]:
        made = subprocess.Popen(
            [sys.executable, "-c", COUNT],
            env=env,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert made.stdout is not None
        assert made.stdout.readline() == b"counted\n"
        return made

    def ask() -> str:
        return subprocess.run(
            [sys.executable, "-c", ASK], env=env, cwd=ROOT, capture_output=True, check=True
        ).stdout.decode()

    living, dead = start(), start()
    both = ask()
    dead.kill()
    dead.communicate()
    one = ask()
    living.kill()
    living.communicate()
    assert value(both, "lumin_messages_sent_total") == 4
    assert value(both, "lumin_socket_connections") == 2
    assert value(one, "lumin_messages_sent_total") == 4
    assert value(one, "lumin_socket_connections") == 1


@pytest.mark.redis
def test_the_relay_is_enqueued_once_until_it_has_run(monkeypatch):
    enqueued: list[str] = []
    monkeypatch.setattr(
        relay_wakeup.current_app, "send_task", lambda name, **_: enqueued.append(name)
    )
    relay_wakeup.enqueue_relay()
    relay_wakeup.enqueue_relay()
    assert enqueued == ["core.relay_outbox"]
    relay_wakeup.release()
    relay_wakeup.enqueue_relay()
    assert len(enqueued) == 2


def test_pending_wakeups_coalesce_and_the_first_is_sent_at_once():
    began, sent = threading.Event(), queue.Queue()
    go_on = threading.Event()

    def enqueue() -> None:
        sent.put(time.monotonic())
        began.set()
        assert go_on.wait(10)

    thread = relay_wakeup.WakeupThread(enqueue)
    thread.request()
    assert began.wait(10)
    for _ in range(10_000):
        thread.request()
    go_on.set()
    first, second = sent.get(timeout=10), sent.get(timeout=10)
    assert second - first >= relay_wakeup.INTERVAL
    with pytest.raises(queue.Empty):
        sent.get(timeout=2 * relay_wakeup.INTERVAL)
