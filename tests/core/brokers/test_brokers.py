"""Every broker keeps the same promises."""

from __future__ import annotations

import time
from uuid import uuid4

import pytest

from messenger.core import brokers
from messenger.core.brokers import BrokerUnavailable, Record, dead_letter, dead_letter_topic

TEXT = "Привет 🌍 \u0001"


def read(consumer, count, seconds=20.0):
    """Poll until `count` records have come."""
    found, until = [], time.monotonic() + seconds
    while len(found) < count and time.monotonic() < until:
        found += consumer.poll(100, 1.0)
    return found


@pytest.fixture
def topic():
    return f"tests.{uuid4().hex[:12]}"


@pytest.fixture
def group(topic):
    return topic + ".readers"


def records(topic, count, first=0):
    return [
        Record(topic, f"key-{n % 3}", f'{{"n":{n},"text":"{TEXT}"}}'.encode(), {"n": str(n)})
        for n in range(first, first + count)
    ]


def by_key(found):
    kept: dict[str, list[bytes]] = {}
    for one in found:
        kept.setdefault(one.key, []).append(one.body)
    return kept


def test_records_arrive_unchanged_and_in_order_per_key(broker, topic, group):
    consumer = broker.subscribe([topic], group)
    sent = records(topic, 250)
    assert broker.publish(sent) == {}
    found = read(consumer, 250)
    consumer.close()
    assert by_key(found) == by_key(sent)
    assert {(one.topic, one.headers["n"]) for one in found} == {(topic, str(n)) for n in range(250)}


def test_new_group_starts_with_the_oldest_record(broker, broker_server, topic, group):
    if broker_server.kind == "rabbitmq":  # a queue gets what comes after it was made
        broker.subscribe([topic], group).close()
    broker.publish(records(topic, 3))
    consumer = broker.subscribe([topic], group)
    assert len(read(consumer, 3)) == 3
    consumer.close()


def test_uncommitted_records_are_redelivered_in_order_and_committed_ones_are_not(
    broker, topic, group
):
    consumer = broker.subscribe([topic], group)
    broker.publish([Record(topic, "k", b"%d" % n) for n in range(6)])
    first = []
    while len(first) < 3:
        first += consumer.poll(3 - len(first), 1.0)
    consumer.commit()
    assert read(consumer, 3)
    consumer.close()
    again = broker.subscribe([topic], group)
    assert [one.body for one in read(again, 3)] == [b"3", b"4", b"5"]
    again.commit()
    again.close()
    third = broker.subscribe([topic], group)
    broker.publish([Record(topic, "k", b"6")])
    assert [one.body for one in read(third, 1)] == [b"6"]
    third.close()


def test_each_group_gets_every_record(broker, topic, group):
    members = [broker.subscribe([topic], name) for name in (group, group + "2")]
    broker.publish(records(topic, 5))
    for member in members:
        assert len(read(member, 5)) == 5
        member.close()


def test_one_consumer_reads_several_topics(broker, topic, group):
    other = topic + ".other"
    consumer = broker.subscribe([topic, other], group)
    broker.publish([*records(topic, 2), *records(other, 2)])
    assert {one.topic for one in read(consumer, 4)} == {topic, other}
    consumer.close()


def test_dead_letter_keeps_its_bytes_and_has_the_reason(broker, topic, group):
    consumer = broker.subscribe([topic], group)
    broker.publish([Record(topic, "k", b"\xff not json", {"a": "b"})])
    (received,) = read(consumer, 1)
    broker.publish([dead_letter(received, "not JSON")])
    consumer.commit()
    consumer.close()
    # The dead letters of a group lie where a group of this name finds them, on every broker.
    graves = broker.subscribe([dead_letter_topic(topic)], dead_letter_topic(group))
    found = read(graves, 1)
    graves.close()
    assert found[0].body == b"\xff not json"
    assert found[0].headers == {"a": "b", "reason": "not JSON", "topic": topic}


def test_poll_without_records_returns_in_time(broker, topic, group):
    consumer = broker.subscribe([topic], group)
    began = time.monotonic()
    assert consumer.poll(10, 0.5) == []
    assert time.monotonic() - began < 3
    consumer.commit()
    consumer.close()


def test_hanging_broker_is_unavailable_within_seconds_and_recovers(
    short_timeout, broker, broker_server, topic, group
):
    consumer = broker.subscribe([topic], group)
    broker.publish(records(topic, 1))
    broker_server.hang()
    began = time.monotonic()
    with pytest.raises(BrokerUnavailable):
        broker.publish(records(topic, 2))
    with pytest.raises(BrokerUnavailable):
        broker.ping()
    assert time.monotonic() - began < 12
    broker_server.resume()
    # Whether the two arrived is unknown; published again they arrive, after the first.
    assert broker.publish(records(topic, 2)) == {}
    broker.ping()
    if (
        broker_server.kind == "kafka"
    ):  # a member that has been away so long is not let in by the mock
        consumer.close()
        consumer = broker.subscribe([topic], group + ".new")
    found = read(consumer, 3)
    consumer.close()
    assert {one.headers["n"] for one in found} == {"0", "1"}


def test_unreachable_broker_is_unavailable(short_timeout, broker_server, settings, topic, group):
    settings.EVENT_REDIS_URL = "redis://127.0.0.1:1/0"
    settings.KAFKA_BOOTSTRAP_SERVERS = "127.0.0.1:1"
    settings.RABBITMQ_URL = "amqp://x:secret@127.0.0.1:1//"
    brokers.broker.cache_clear()
    lost = brokers.broker()
    for ask in (
        lambda: lost.publish(records(topic, 1)),
        lost.ping,
        lambda: lost.subscribe([topic], group),
    ):
        with pytest.raises(BrokerUnavailable) as raised:
            ask()
        assert "secret" not in str(raised.value)
    lost.close()
    brokers.broker.cache_clear()


def test_only_the_record_that_is_too_large_is_refused(broker, broker_server, topic, group):
    if broker_server.kind == "redis":
        pytest.skip("Redis takes half a gigabyte")
    consumer = broker.subscribe([topic], group)
    huge = Record(topic, "k", b"x" * (17 * 1024 * 1024))
    refused = broker.publish([Record(topic, "k", b"1"), huge, Record(topic, "k", b"2")])
    assert list(refused) == [1]
    assert "large" in refused[1]
    assert [one.body for one in read(consumer, 2)] == [b"1", b"2"]
    consumer.close()
