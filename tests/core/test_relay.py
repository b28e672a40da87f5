"""The outbox relay: at least once, in order, whatever is away."""

from __future__ import annotations

import json
from uuid import UUID, uuid4

import pytest
from django.db import connection, connections, transaction
from kombu.exceptions import OperationalError

from apps.accounts.events import UserDeleted
from messenger.core import events, outbox, relay
from messenger.core.brokers import BrokerUnavailable
from messenger.core.brokers.none import NoBroker
from messenger.core.models import OutboxEvent


class Outside(NoBroker):
    """A broker that records what it is given, and is away or refuses on demand."""

    def __init__(self) -> None:
        self.got: list[dict] = []
        self.refused: set[str] = set()
        self.is_away = False

    def publish(self, records):
        if self.is_away:
            raise BrokerUnavailable("away")
        refused = {n: "too large" for n, one in enumerate(records) if one.key in self.refused}
        self.got += [json.loads(one.body) for n, one in enumerate(records) if n not in refused]
        return refused


@pytest.fixture
def outside(monkeypatch):
    made = Outside()
    monkeypatch.setattr(relay, "broker", lambda: made)
    monkeypatch.setattr(relay, "PACE", 0)
    monkeypatch.setattr(relay, "rest", relay.Rest())
    return made


@pytest.fixture
def told(monkeypatch):
    """The tasks that follow `user.deleted`, as they are queued."""
    queued: list[tuple[str, list[int]]] = []
    monkeypatch.setattr(events, "_followers", {})
    monkeypatch.setattr(
        relay.current_app, "send_task", lambda name, args, **_: queued.append((name, args[0]))
    )
    events.follow("user.deleted", "tests.first")
    events.follow("user.deleted", "tests.second")
    return queued


def happened(*people: UUID) -> list[int]:
    """Rows about the people, in order."""
    with transaction.atomic():
        for person in people:
            events.emit(UserDeleted(user_id=person), actor_id=person)
    return list(OutboxEvent.objects.order_by("-id").values_list("id", flat=True)[: len(people)])[
        ::-1
    ]


def waiting() -> int:
    return OutboxEvent.objects.filter(published_at=None, refusal="").count()


@pytest.mark.django_db
def test_an_event_leaves_in_its_envelope(outside):
    person = uuid4()
    happened(person)
    relay.relay()
    (envelope,) = outside.got
    row = OutboxEvent.objects.get()
    assert envelope == {
        "event_id": str(row.event_id),
        "event_type": "user.deleted",
        "timestamp": row.created_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "service": "messenger",
        "payload": {"user_id": str(person)},
        "metadata": {"actor_id": str(person), "request_id": None, "version": 1},
    }
    assert row.published_at is not None


@pytest.mark.django_db
def test_everything_leaves_once_and_in_order(outside, monkeypatch):
    monkeypatch.setattr(relay, "BATCH", 7)
    people = [uuid4() for _ in range(50)]
    happened(*people)
    relay.relay()
    relay.relay()
    assert [one["payload"]["user_id"] for one in outside.got] == [str(one) for one in people]
    assert waiting() == 0


@pytest.mark.django_db
def test_what_the_broker_does_not_confirm_waits_and_then_leaves_in_order(outside, monkeypatch):
    people = [uuid4() for _ in range(5)]
    happened(*people[:3])
    outside.is_away = True
    relay.relay()
    assert (waiting(), outside.got) == (3, [])
    happened(*people[3:])
    relay.relay()
    outside.is_away = False
    monkeypatch.setattr(relay, "BATCH", 2)
    relay.rest.until = 0
    relay.relay()
    assert [one["payload"]["user_id"] for one in outside.got] == [str(one) for one in people]
    assert waiting() == 0


@pytest.mark.django_db
def test_a_refused_event_is_put_aside_and_holds_up_nobody(outside):
    bad, good = uuid4(), uuid4()
    happened(bad, good)
    outside.refused = {str(bad)}
    relay.relay()
    assert [one["payload"]["user_id"] for one in outside.got] == [str(good)]
    row = OutboxEvent.objects.get(aggregate_id=bad)
    assert (row.refusal, row.published_at) == ("too large", None)
    assert waiting() == 0


@pytest.mark.django_db
def test_followers_are_told_once_in_chunks(outside, told, monkeypatch):
    monkeypatch.setattr(relay, "FOLLOW_CHUNK", 2)
    ids = happened(uuid4(), uuid4(), uuid4())
    relay.relay()
    relay.relay()
    assert told == [
        ("tests.first", ids[:2]),
        ("tests.first", ids[2:]),
        ("tests.second", ids[:2]),
        ("tests.second", ids[2:]),
    ]


@pytest.mark.django_db
def test_followers_do_not_wait_for_the_broker(outside, told):
    outside.is_away = True
    ids = happened(uuid4())
    relay.relay()
    more = happened(uuid4())  # the broker is not even asked now
    relay.relay()
    assert [one for name, one in told if name == "tests.first"] == [ids, more]
    outside.is_away = False
    relay.rest.until = 0
    relay.relay()
    assert len(told) == 4
    assert waiting() == 0


@pytest.mark.django_db
def test_with_the_task_queue_away_nothing_is_marked(outside, told, monkeypatch):
    def away(*_, **__):
        raise OperationalError

    happened(uuid4())
    monkeypatch.setattr(relay.current_app, "send_task", away)
    with pytest.raises(OperationalError):
        relay.relay()
    assert (waiting(), outside.got) == (1, [])


@pytest.mark.django_db(transaction=True)
def test_one_relay_works_at_a_time(outside):
    happened(uuid4())
    other = connections.create_connection("default")
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [relay.LOCK])
        assert relay.turn_make().is_busy
        assert outside.got == []
        cursor.execute("SELECT pg_advisory_unlock(%s)", [relay.LOCK])
    other.close()
    relay.relay()
    assert len(outside.got) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("query", "values"),
    [
        (relay.SELECT, ["messenger", False, False, relay.BATCH]),
        (relay.WAITS, []),
        (outbox.LAG, {"limit": outbox.COUNT_LIMIT}),
    ],
)
def test_what_waits_is_found_by_its_index_though_statistics_say_that_all_waits(query, values):
    with connection.cursor() as cursor:
        cursor.execute(FILL)
        cursor.execute("ANALYZE core_outboxevent")
        cursor.execute("EXPLAIN " + query, values)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "outbox_waiting" in plan
    assert "Seq Scan" not in plan
    assert "pkey" not in plan


FILL = """
INSERT INTO core_outboxevent
  (event_id, event_type, topic, aggregate_id, payload, metadata, created_at)
SELECT gen_random_uuid(), 'user.deleted', 'accounts.events', gen_random_uuid(), '{}', '{}', now()
FROM generate_series(1, 20000)
"""
