"""The outbox relay: at least once and in order, whichever service is unavailable."""

from __future__ import annotations

import json
from uuid import UUID, uuid4

import pytest
from django.db import connection, connections, transaction
from kombu.exceptions import OperationalError

from apps.accounts.events import UserDeleted
from messenger.core import events, outbox
from messenger.core.brokers import BrokerUnavailable
from messenger.core.brokers.none import NoBroker
from messenger.core.models import OutboxEvent
from messenger.core.relay import BATCH_SIZE, HAS_UNDISPATCHED, LOCK, SELECT, OutboxRelay


class Outside(NoBroker):
    """A broker that records published envelopes; tests make it unavailable, or refuse keys."""

    def __init__(self) -> None:
        self.published: list[dict] = []
        self.refused: set[str] = set()
        self.is_unavailable = False

    def publish(self, records):
        if self.is_unavailable:
            raise BrokerUnavailable("unavailable")
        refused = {n: "too large" for n, one in enumerate(records) if one.key in self.refused}
        self.published += [
            json.loads(one.body) for n, one in enumerate(records) if n not in refused
        ]
        return refused

    @property
    def users(self) -> list[str]:
        """The users whose deletion was published, in order."""
        return [one["payload"]["user_id"] for one in self.published]


@pytest.fixture
def outside():
    return Outside()


@pytest.fixture
def make_relay(outside):
    """`make_relay(...)`: a relay to `outside` without handlers and pauses."""
    defaults = {"broker": lambda: outside, "handlers": lambda event_type: (), "pause": 0}
    return lambda **changes: OutboxRelay(**{**defaults, **changes})


HANDLERS = {"user.deleted": ("tests.first", "tests.second")}


def emit_deletions(*people: UUID) -> list[int]:
    """Emit one event per user; returns the ids of the outbox rows."""
    with transaction.atomic():
        for person in people:
            events.emit(UserDeleted(user_id=person), actor_id=person)
    return list(OutboxEvent.objects.order_by("-id").values_list("id", flat=True)[: len(people)])[
        ::-1
    ]


def waiting() -> int:
    return OutboxEvent.objects.filter(published_at=None, refusal="").count()


@pytest.mark.django_db
def test_event_is_published_in_its_envelope(outside, make_relay):
    person = uuid4()
    emit_deletions(person)
    make_relay().run()
    (envelope,) = outside.published
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
def test_every_event_is_published_once_and_in_order(outside, make_relay):
    people = [uuid4() for _ in range(50)]
    emit_deletions(*people)
    relay = make_relay(batch_size=7)
    relay.run()
    relay.run()
    assert outside.users == [str(one) for one in people]
    assert waiting() == 0


@pytest.mark.django_db
def test_unconfirmed_events_wait_and_are_published_in_order_later(outside, make_relay):
    people = [uuid4() for _ in range(5)]
    relay = make_relay(batch_size=2)
    emit_deletions(*people[:3])
    outside.is_unavailable = True
    relay.run()
    assert (waiting(), outside.published) == (3, [])
    emit_deletions(*people[3:])
    relay.run()
    outside.is_unavailable = False
    relay.broker_retry_at = 0
    relay.run()
    assert outside.users == [str(one) for one in people]
    assert waiting() == 0


@pytest.mark.django_db
def test_refused_event_is_set_aside_and_does_not_block_others(outside, make_relay):
    bad, good = uuid4(), uuid4()
    emit_deletions(bad, good)
    outside.refused = {str(bad)}
    make_relay().run()
    assert outside.users == [str(good)]
    row = OutboxEvent.objects.get(aggregate_id=bad)
    assert (row.refusal, row.published_at) == ("too large", None)
    assert waiting() == 0


@pytest.mark.django_db
def test_handlers_are_enqueued_once_in_chunks(make_relay):
    enqueued: list[tuple[str, list[int]]] = []
    relay = make_relay(
        handlers=HANDLERS.get, enqueue=lambda *task: enqueued.append(task), chunk_size=2
    )
    ids = emit_deletions(uuid4(), uuid4(), uuid4())
    relay.run()
    relay.run()
    assert enqueued == [
        ("tests.first", ids[:2]),
        ("tests.first", ids[2:]),
        ("tests.second", ids[:2]),
        ("tests.second", ids[2:]),
    ]


@pytest.mark.django_db
def test_handlers_do_not_wait_for_the_broker(outside, make_relay):
    enqueued: list[tuple[str, list[int]]] = []
    relay = make_relay(handlers=HANDLERS.get, enqueue=lambda *task: enqueued.append(task))
    outside.is_unavailable = True
    ids = emit_deletions(uuid4())
    relay.run()
    more = emit_deletions(uuid4())  # the relay does not try the broker again yet
    relay.run()
    assert [one for name, one in enqueued if name == "tests.first"] == [ids, more]
    outside.is_unavailable = False
    relay.broker_retry_at = 0
    relay.run()
    assert len(enqueued) == 4
    assert waiting() == 0


@pytest.mark.django_db
def test_nothing_is_marked_while_the_task_queue_is_unavailable(outside, make_relay):
    def fail(name, ids):
        raise OperationalError

    emit_deletions(uuid4())
    with pytest.raises(OperationalError):
        make_relay(handlers=HANDLERS.get, enqueue=fail).run()
    assert (waiting(), outside.published) == (1, [])


@pytest.mark.django_db(transaction=True)
def test_only_one_relay_runs_at_a_time(outside, make_relay):
    emit_deletions(uuid4())
    relay = make_relay()
    other = connections.create_connection("default")
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        assert relay.run_batch().is_locked_out
        assert outside.published == []
        cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
    other.close()
    relay.run()
    assert len(outside.published) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("query", "values"),
    [
        (SELECT, ["messenger", False, False, BATCH_SIZE]),
        (HAS_UNDISPATCHED, []),
        (outbox.LAG, {"limit": outbox.COUNT_LIMIT}),
    ],
)
def test_waiting_rows_are_found_by_index_even_if_statistics_say_that_all_rows_wait(query, values):
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
