"""What probes, people on call and Prometheus are told."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from contextlib import suppress
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from redis.exceptions import RedisError

from apps.accounts.events import UserDeleted
from messenger.core import events, health, poke, relay
from messenger.core.brokers import BrokerUnavailable
from messenger.core.brokers.none import NoBroker
from messenger.core.models import FailedTask, OutboxEvent
from messenger.core.outbox import outbox_lag, outbox_prune, outbox_retry
from messenger.core.redis import client as redis_client
from messenger.core.tasks import sweep_outbox
from tests.web import ROOT

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_seen(monkeypatch):
    monkeypatch.setattr(relay, "rest", relay.Rest())
    monkeypatch.setattr(relay, "PACE", 0)
    monkeypatch.setattr(relay, "broker", NoBroker)
    _forget()
    yield
    _forget()


def _forget() -> None:
    with suppress(RedisError):
        redis_client().delete(health.WORKER, health.BROKER, poke.KEY)


def ready() -> tuple[str, dict]:
    body = Client().get("/health/ready").json()
    return body["status"], body["components"]


def happened(**changes) -> OutboxEvent:
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
def test_with_the_broker_away_it_is_degraded_and_says_how_far_the_outside_is_behind(monkeypatch):
    class Away(NoBroker):
        def publish(self, records):
            raise BrokerUnavailable("away")

    monkeypatch.setattr(relay, "broker", Away)
    happened(created_at=ago(90))
    happened()
    sweep_outbox()
    status, components = ready()
    assert status == "degraded"
    assert components["broker"]["status"] == "down"
    outbox = components["outbox"]
    assert (outbox["status"], outbox["waiting"]) == ("late", 2)
    assert 89 < outbox["oldest_seconds"] < 120


def test_what_is_published_or_refused_does_not_count_as_waiting():
    happened(published_at=timezone.now())
    happened(refusal="too large", is_followed=True)
    lag = outbox_lag()
    assert (lag.waiting, lag.oldest_seconds, lag.refused) == (0, 0, 1)


def test_a_refused_event_can_be_tried_again():
    row = happened(refusal="too large", is_followed=True)
    assert outbox_retry([row]) == 1
    relay.relay()
    row.refresh_from_db()
    assert row.published_at is not None
    assert outbox_retry([row]) == 0


def test_what_was_published_long_ago_goes_and_what_waits_stays(settings):
    old = settings.OUTBOX_RETENTION + 60
    happened(created_at=ago(old), published_at=ago(old))
    waits = happened(created_at=ago(old))
    refused = happened(created_at=ago(old), refusal="too large")
    late = happened(created_at=ago(old), published_at=ago(5))
    gone_too = happened(created_at=ago(old), published_at=ago(old))
    young = happened(published_at=timezone.now())
    assert outbox_prune() == 2
    left = set(OutboxEvent.objects.values_list("pk", flat=True))
    assert left == {waits.pk, refused.pk, late.pk, young.pk}
    assert gone_too.pk not in left


def test_pruning_goes_on_over_slices(settings, monkeypatch):
    monkeypatch.setattr("messenger.core.outbox.SLICE", 2)
    old = settings.OUTBOX_RETENTION + 60
    for _ in range(7):
        happened(created_at=ago(old), published_at=ago(old))
    assert outbox_prune() == 7


def value(text: str, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    assert found, f"no {name}"
    return float(found.group(1))


def test_metrics_count_requests_messages_and_what_waits(api, alice, bob):
    answered = 'lumin_http_requests_total{method="POST",route="api:messages",status="201"}'
    before = Client().get("/metrics").content.decode()
    chat = api(alice).post("/chats", {"kind": "direct", "user_id": str(bob.id)}).json()
    for _ in range(3):
        api(alice).post("/messages", {"chat_id": chat["id"], "text": "not in the metrics"})
    api(alice).generic("BREW", "/messages")
    happened(refusal="too large")
    FailedTask.objects.create(task_id="x", name="x", arguments=b"", error="x")
    text = Client().get("/metrics").content.decode()
    assert value(text, answered) - (value(before, answered) if answered in before else 0) == 3
    sent = "lumin_messages_sent_total"
    assert value(text, sent) - value(before, sent) == 3
    assert value(text, "lumin_outbox_waiting") >= 4
    assert value(text, "lumin_outbox_refused") == 1
    assert value(text, "lumin_failed_tasks") == 1
    assert value(text, "lumin_socket_connections") >= 0
    assert "BREW" not in text
    assert "not in the metrics" not in text


@pytest.mark.redis
def test_metrics_count_what_the_relay_has_published():
    before = Client().get("/metrics").content.decode()
    happened()
    relay.relay()
    after = Client().get("/metrics").content.decode()
    name = "lumin_relay_published_total"
    assert value(after, name) - value(before, name) == 1


def test_metrics_are_for_this_machine_or_for_who_has_the_token(settings):
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


def test_several_processes_are_added_up_and_the_dead_hold_no_sockets(tmp_path):
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
def test_a_poke_queues_one_relay_however_often_it_comes(monkeypatch):
    asked: list[str] = []
    monkeypatch.setattr(poke.current_app, "send_task", lambda name, **_: asked.append(name))
    poker = poke.Poker()
    began = time.perf_counter()
    for _ in range(10_000):
        poker.poke()
    assert time.perf_counter() - began < 1
    time.sleep(3 * poke.INTERVAL)
    assert asked == ["core.relay_outbox"]
    poke.release()
    poker.poke()
    time.sleep(2 * poke.INTERVAL)
    assert len(asked) == 2
