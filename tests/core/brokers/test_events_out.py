"""Domain events, read by another process through each broker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from jsonschema import Draft202012Validator, FormatChecker

from messenger.core import brokers
from messenger.core.events import event_classes
from messenger.core.models import OutboxEvent
from messenger.core.relay import OutboxRelay
from tests.web import ROOT, database_url

HERE = Path(__file__).parent
FOLDER = Path(django_settings.BASE_DIR) / "docs" / "events"
TOPICS = sorted({one.topic for one in event_classes()})

# The relay enqueues the tasks that handle events before it publishes them.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.redis]


def environment(broker_server) -> dict[str, str]:
    return {
        **os.environ,
        **broker_server.settings,
        "EVENT_BROKER_TYPE": broker_server.kind,
        "DATABASE_URL": database_url(),
        "PYTHONPATH": str(ROOT),
    }


class Reader:
    """The second process, and the lines it has printed so far."""

    def __init__(self, broker_server) -> None:
        self.process = subprocess.Popen(
            [sys.executable, HERE / "reader.py", f"readers-{uuid4().hex}", "60", *TOPICS],
            env=environment(broker_server),
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"
        self.lines: list[dict] = []
        threading.Thread(target=self._collect, daemon=True).start()

    def _collect(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(json.loads(line))

    def wait_for(self, event_ids: set[str], seconds: float = 30) -> list[dict]:
        """The lines about these events, repeats included."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            mine = [one for one in self.lines if self._id(one) in event_ids]
            if {self._id(one) for one in mine} == event_ids:
                return mine
            time.sleep(0.1)
        raise AssertionError(f"{len({self._id(one) for one in mine})} of {len(event_ids)} came")

    @staticmethod
    def _id(line: dict) -> str:
        return json.loads(line["body"])["event_id"]


@pytest.fixture
def reader(short_timeout, broker_server, broker) -> Iterator[Reader]:
    made = Reader(broker_server)
    yield made
    made.process.kill()
    made.process.wait()


@pytest.fixture
def relay(broker) -> OutboxRelay:
    return OutboxRelay(broker=lambda: broker, pause=0)


@pytest.fixture
def many_events(api, alice, bob, charlie, django_db_setup) -> None:
    """Events of every type, emitted through the REST API."""
    account = {"email": "dora@example.org", "password": "correct horse 7", "username": "dora_1"}
    assert api().post("/auth/register", account).status_code == 201
    hers, his = api(alice), api(bob)
    assert hers.patch("/users/me", {"display_name": "Алиса"}).status_code == 200
    group = hers.post(
        "/chats", {"kind": "group", "title": "Мост", "member_ids": [str(bob.id)]}
    ).json()["id"]
    assert hers.patch(f"/chats/{group}", {"title": "Bridge"}).status_code == 200
    people = f"/chats/{group}/participants"
    assert hers.post(people, {"user_ids": [str(charlie.id)]}).status_code == 200
    assert hers.patch(f"{people}/{bob.id}", {"role": "admin"}).status_code == 200
    assert hers.delete(f"{people}/{charlie.id}").status_code == 204
    sent = [
        hers.post("/messages", {"chat_id": group, "text": f"{n} \u2028 “🌉”"}).json()
        for n in range(5)
    ]
    assert his.post("/messages", {"chat_id": group, "text": "ok", "reply_to": sent[0]["id"]})
    assert hers.patch(f"/messages/{sent[1]['id']}", {"text": "new"}).status_code == 200
    assert hers.delete(f"/messages/{sent[2]['id']}").status_code == 204
    assert his.post(f"/chats/{group}/read", {"seq": 3}).status_code == 204
    assert hers.delete(f"/chats/{group}").status_code == 204


def ids() -> set[str]:
    return {str(one) for one in OutboxEvent.objects.values_list("event_id", flat=True)}


def assert_valid(line: dict) -> None:
    envelope = json.loads(line["body"])
    schema = json.loads((FOLDER / f"{envelope['event_type']}.json").read_text())
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(envelope)


def assert_in_order(lines: list[dict]) -> None:
    """By first arrival, each key has its events in the order in which they happened."""
    first: dict[str, tuple[str, str]] = {}
    for one in lines:
        first.setdefault(Reader._id(one), (one["topic"], one["key"]))
    arrived: dict[tuple[str, str], list[str]] = {}
    for event_id, where in first.items():
        arrived.setdefault(where, []).append(event_id)
    happened: dict[tuple[str, str], list[str]] = {}
    for row in OutboxEvent.objects.order_by("id"):
        happened.setdefault((row.topic, str(row.aggregate_id)), []).append(str(row.event_id))
    assert arrived == happened


def test_another_process_reads_every_event_as_documented(reader, relay, many_events):
    relay.run()
    lines = reader.wait_for(ids())
    assert len(lines) == len(ids())
    for line in lines:
        assert_valid(line)
    assert_in_order(lines)
    assert {json.loads(line["body"])["event_type"] for line in lines} >= {
        "user.registered",
        "user.updated",
        "chat.created",
        "chat.updated",
        "chat.participant_joined",
        "chat.participant_left",
        "chat.role_changed",
        "chat.deleted",
        "message.sent",
        "message.edited",
        "message.deleted",
        "message.delivered",
        "message.read",
    }


def test_each_recipient_gets_one_delivered_event_with_the_recipient_as_key(
    reader, relay, api, alice, bob, charlie
):
    chat = api(alice).post(
        "/chats",
        {"kind": "group", "title": "Three", "member_ids": [str(bob.id), str(charlie.id)]},
    )
    chat_id = chat.json()["id"]
    api(alice).post("/messages", {"chat_id": chat_id, "text": "hi"})
    for person in (bob, charlie):
        api(person).post(f"/chats/{chat_id}/read", {"seq": 1})
    relay.run()
    lines = [one for one in reader.wait_for(ids()) if one["topic"] == "message.delivered"]
    assert {one["key"] for one in lines} == {str(bob.id), str(charlie.id)}
    assert len(lines) == 2


def test_no_event_is_lost_while_the_broker_hangs_and_order_is_kept(
    reader, relay, broker_server, many_events
):
    broker_server.hang()
    began = time.monotonic()
    relay.run()
    assert time.monotonic() - began < 15
    assert not OutboxEvent.objects.exclude(published_at=None).exists()
    broker_server.resume()
    relay.broker_retry_at = 0
    relay.run()
    assert not OutboxEvent.objects.filter(published_at=None).exists()
    lines = reader.wait_for(ids())
    assert_in_order(lines)


KILLED = """
import os, signal, django
django.setup()
from messenger.core import brokers
from messenger.core.relay import OutboxRelay
class Killed:
    def publish(self, records):
        brokers.broker().publish(records)
        os.kill(os.getpid(), signal.SIGKILL)
OutboxRelay(broker=Killed).run()
"""


def test_relay_killed_before_it_marks_rows_publishes_them_again(
    reader, relay, broker_server, many_events
):
    killed = subprocess.run(
        [sys.executable, "-c", KILLED], env=environment(broker_server), cwd=ROOT, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert not OutboxEvent.objects.exclude(published_at=None).exists()
    reader.wait_for(ids())
    until = time.monotonic() + 10
    while (
        relay.run_batch().is_locked_out and time.monotonic() < until
    ):  # until PostgreSQL has released the lock
        time.sleep(0.05)
    assert not OutboxEvent.objects.filter(published_at=None).exists()
    until = time.monotonic() + 10
    while len(mine := reader.wait_for(ids())) < 2 * len(ids()) and time.monotonic() < until:
        time.sleep(0.1)
    assert len(mine) == 2 * len(ids())
    assert_in_order(mine)


def test_unknown_broker_type_is_an_error(settings):
    settings.EVENT_BROKER_TYPE = "pigeon"
    brokers.broker.cache_clear()
    with pytest.raises(Exception, match="EVENT_BROKER_TYPE must be one of redis, kafka"):
        brokers.broker()
