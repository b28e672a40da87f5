"""Presence: connections counted in Redis, with expiry."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from messenger.core import presence
from messenger.core.presence import Joined
from messenger.core.redis import breaker, client

pytestmark = pytest.mark.redis
ALICE, BOB = uuid4(), uuid4()
LIMIT = 3


@pytest.fixture(autouse=True)
def _no_connections():
    client().delete(presence.ONLINE, *(presence._key(one) for one in (ALICE, BOB)))


@pytest.fixture
def without_redis(monkeypatch):
    """Every command to Redis fails at once."""

    def refuse(*args, **kwargs):
        raise RedisConnectionError

    monkeypatch.setattr("redis.connection.ConnectionPool.get_connection", refuse)
    yield
    breaker.succeeded()


def advance(seconds: float) -> None:
    """Let time pass: move all expiries, since Redis' clock cannot be changed."""
    for key in (presence.ONLINE, presence._key(ALICE), presence._key(BOB)):
        for member, score in client().zrange(key, 0, -1, withscores=True):
            client().zadd(key, {member: score - seconds * 1000})


def test_user_is_connected_from_the_first_connection_to_the_last():
    assert presence.connected([ALICE, BOB]) == set()
    assert presence.join(ALICE, "phone", limit=LIMIT) is Joined.CAME_ONLINE
    assert presence.join(ALICE, "laptop", limit=LIMIT) is Joined.ALREADY_ONLINE
    assert presence.connected([ALICE, BOB]) == {ALICE}
    presence.leave(ALICE, "phone")
    assert presence.connected([ALICE]) == {ALICE}
    presence.leave(ALICE, "laptop")
    assert presence.connected([ALICE]) == set()


def test_user_who_reconnects_at_once_stays_online():
    presence.join(ALICE, "page", limit=LIMIT)
    presence.leave(ALICE, "page")
    assert presence.online([ALICE, BOB]) == {ALICE}
    advance(presence.GRACE - 1)
    assert presence.join(ALICE, "next page", limit=LIMIT) is Joined.ALREADY_ONLINE
    advance(presence.GRACE)
    assert presence.take_gone() == {}


def test_user_without_connections_goes_offline_once():
    presence.join(ALICE, "page", limit=LIMIT)
    left_at = datetime.now(UTC)
    presence.leave(ALICE, "page")
    advance(presence.GRACE)
    with ThreadPoolExecutor(8) as pool:
        claims = [found for found in pool.map(lambda _: presence.take_gone(), range(16)) if found]
    assert [set(found) for found in claims] == [{ALICE}]
    # `advance` moved it back by the grace.
    told = claims[0][ALICE].timestamp() + presence.GRACE
    assert abs(told - left_at.timestamp()) < 1
    assert presence.online([ALICE]) == set()


def test_connections_of_a_dead_process_expire():
    presence.join(ALICE, "of the dead process", limit=LIMIT)
    presence.join(ALICE, "of the living one", limit=LIMIT)
    presence.join(BOB, "of the dead process too", limit=LIMIT)
    advance(presence.TTL - 1)
    assert presence.refresh([(ALICE, "of the living one")]) == set()
    advance(2)
    assert presence.connected([ALICE, BOB]) == {ALICE}
    assert set(presence.take_gone()) == {BOB}
    presence.leave(ALICE, "of the living one")  # what the dead process left behind does not count
    assert presence.connected([ALICE]) == set()


def test_number_of_connections_is_limited_over_all_processes():
    for number in range(LIMIT):
        presence.join(ALICE, f"socket {number}", limit=LIMIT)
    assert presence.join(ALICE, "one more", limit=LIMIT) is Joined.FULL
    assert presence.join(BOB, "other", limit=LIMIT) is Joined.CAME_ONLINE
    presence.leave(ALICE, "socket 0")
    assert presence.join(ALICE, "one more", limit=LIMIT) is Joined.ALREADY_ONLINE
    advance(presence.TTL)  # all of them belonged to a process that died
    assert presence.join(ALICE, "new", limit=LIMIT) is Joined.ALREADY_ONLINE


def test_refresh_restores_presence_in_an_emptied_redis():
    presence.join(ALICE, "phone", limit=LIMIT)
    client().delete(presence.ONLINE, presence._key(ALICE))
    assert presence.connected([ALICE]) == set()
    assert presence.refresh([(ALICE, "phone"), (ALICE, "laptop")]) == {ALICE}
    assert presence.connected([ALICE]) == {ALICE}
    assert presence.refresh([(ALICE, "phone")]) == set()


def test_many_users_are_queried_at_once():
    people = [uuid4() for _ in range(presence.CHUNK * 2 + 1)]
    assert presence.refresh([(one, "socket") for one in people]) == set(people)
    assert presence.connected([*people, ALICE]) == set(people)
    assert presence.online([*people, ALICE]) == set(people)
    for one in people:
        client().delete(presence._key(one))


def test_presence_is_unknown_without_redis(without_redis):
    assert presence.connected([ALICE]) == set()
    assert presence.online([ALICE]) is None
    assert presence.join(ALICE, "phone", limit=LIMIT) is None
    assert presence.refresh([(ALICE, "phone")]) is None
    assert presence.take_gone() == {}
    presence.leave(ALICE, "phone")


def test_empty_queries_return_nothing():
    assert presence.connected([]) == set()
    assert presence.online([]) == set()
    assert presence.refresh([]) == set()


def test_user_ids_are_returned_as_uuids():
    presence.join(ALICE, "phone", limit=LIMIT)
    presence.leave(ALICE, "phone")
    advance(presence.GRACE)
    assert all(isinstance(one, UUID) for one in presence.take_gone())
