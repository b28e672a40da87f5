"""Who is connected: counted in Redis, ended by time, claimed once."""

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
def _nobody_is_there():
    client().delete(presence.ONLINE, *(presence._key(one) for one in (ALICE, BOB)))


@pytest.fixture
def redis_away(monkeypatch):
    """Every command fails at once."""

    def refuse(*args, **kwargs):
        raise RedisConnectionError

    monkeypatch.setattr("redis.connection.ConnectionPool.get_connection", refuse)
    yield
    breaker.succeeded()


def let_pass(seconds: float) -> None:
    """Redis' clock cannot be moved: what it compares with is."""
    for key in (presence.ONLINE, presence._key(ALICE), presence._key(BOB)):
        for member, score in client().zrange(key, 0, -1, withscores=True):
            client().zadd(key, {member: score - seconds * 1000})


def test_one_is_connected_from_the_first_connection_to_the_last():
    assert presence.connected([ALICE, BOB]) == set()
    assert presence.join(ALICE, "phone", limit=LIMIT) is Joined.CAME_ONLINE
    assert presence.join(ALICE, "laptop", limit=LIMIT) is Joined.ALREADY_ONLINE
    assert presence.connected([ALICE, BOB]) == {ALICE}
    presence.leave(ALICE, "phone")
    assert presence.connected([ALICE]) == {ALICE}
    presence.leave(ALICE, "laptop")
    assert presence.connected([ALICE]) == set()


def test_one_who_comes_back_at_once_was_never_gone():
    presence.join(ALICE, "page", limit=LIMIT)
    presence.leave(ALICE, "page")
    assert presence.online([ALICE, BOB]) == {ALICE}
    let_pass(presence.GRACE - 1)
    assert presence.join(ALICE, "next page", limit=LIMIT) is Joined.ALREADY_ONLINE
    let_pass(presence.GRACE)
    assert presence.take_gone() == {}


def test_one_who_stays_away_is_gone_once_and_since_they_left():
    presence.join(ALICE, "page", limit=LIMIT)
    left_at = datetime.now(UTC)
    presence.leave(ALICE, "page")
    let_pass(presence.GRACE)
    with ThreadPoolExecutor(8) as pool:
        claims = [found for found in pool.map(lambda _: presence.take_gone(), range(16)) if found]
    assert [set(found) for found in claims] == [{ALICE}]
    # `let_pass` moved it back by the grace.
    told = claims[0][ALICE].timestamp() + presence.GRACE
    assert abs(told - left_at.timestamp()) < 1
    assert presence.online([ALICE]) == set()


def test_a_process_that_says_nothing_more_leaves_nobody_online():
    presence.join(ALICE, "of the dead process", limit=LIMIT)
    presence.join(ALICE, "of the living one", limit=LIMIT)
    presence.join(BOB, "of the dead process too", limit=LIMIT)
    let_pass(presence.TTL - 1)
    assert presence.refresh([(ALICE, "of the living one")]) == set()
    let_pass(2)
    assert presence.connected([ALICE, BOB]) == {ALICE}
    assert set(presence.take_gone()) == {BOB}
    presence.leave(ALICE, "of the living one")  # what the dead process left behind does not count
    assert presence.connected([ALICE]) == set()


def test_a_person_has_so_many_connections_whatever_the_processes():
    for number in range(LIMIT):
        presence.join(ALICE, f"socket {number}", limit=LIMIT)
    assert presence.join(ALICE, "one more", limit=LIMIT) is Joined.FULL
    assert presence.join(BOB, "other", limit=LIMIT) is Joined.CAME_ONLINE
    presence.leave(ALICE, "socket 0")
    assert presence.join(ALICE, "one more", limit=LIMIT) is Joined.ALREADY_ONLINE
    let_pass(presence.TTL)  # all of them belonged to a process that died
    assert presence.join(ALICE, "new", limit=LIMIT) is Joined.ALREADY_ONLINE


def test_an_emptied_redis_is_filled_again_by_the_next_sign_of_life():
    presence.join(ALICE, "phone", limit=LIMIT)
    client().delete(presence.ONLINE, presence._key(ALICE))
    assert presence.connected([ALICE]) == set()
    assert presence.refresh([(ALICE, "phone"), (ALICE, "laptop")]) == {ALICE}
    assert presence.connected([ALICE]) == {ALICE}
    assert presence.refresh([(ALICE, "phone")]) == set()


def test_many_people_are_asked_for_at_once():
    people = [uuid4() for _ in range(presence.CHUNK * 2 + 1)]
    assert presence.refresh([(one, "socket") for one in people]) == set(people)
    assert presence.connected([*people, ALICE]) == set(people)
    assert presence.online([*people, ALICE]) == set(people)
    for one in people:
        client().delete(presence._key(one))


def test_without_redis_nothing_is_known_and_nothing_fails(redis_away):
    assert presence.connected([ALICE]) == set()
    assert presence.online([ALICE]) is None
    assert presence.join(ALICE, "phone", limit=LIMIT) is None
    assert presence.refresh([(ALICE, "phone")]) is None
    assert presence.take_gone() == {}
    presence.leave(ALICE, "phone")


def test_nobody_asks_for_nobody():
    assert presence.connected([]) == set()
    assert presence.online([]) == set()
    assert presence.refresh([]) == set()


def test_the_names_of_people_survive_redis():
    presence.join(ALICE, "phone", limit=LIMIT)
    presence.leave(ALICE, "phone")
    let_pass(presence.GRACE)
    assert all(isinstance(one, UUID) for one in presence.take_gone())
