"""Presence: sent to people who share a chat, as far as the privacy settings allow.

Each process publishes once per tick of half a second, and no frame is ordered with that: where a
test shows that no presence is sent, it has to wait.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services.login import device_sign_in
from apps.chats.services.groups import group_create
from messenger.core import presence
from messenger.core.redis import client
from tests.conftest import DEVICE
from tests.factories import UserFactory
from tests.web import Client, WebProcess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.redis]


def pass_time(user: User, seconds: float) -> None:
    """Move the scores back instead of Redis' clock forward."""
    for key in (presence.ONLINE, presence._key(user.id)):
        for member, score in client().zrange(key, 0, -1, withscores=True):
            if key != presence.ONLINE or member.decode() == str(user.id):
                client().zadd(key, {member: score - seconds * 1000})


def leave(socket: Client, user: User) -> None:
    """Close the socket, and let the grace period pass."""
    socket.close()
    deadline = time.monotonic() + 3
    while user.id in presence.connected([user.id]) and time.monotonic() < deadline:
        time.sleep(0.02)
    pass_time(user, presence.GRACE)


def test_status_change_is_sent_once_by_the_other_process(alice, bob, chat, join):
    here = join(alice)
    there = join(bob, at=1)
    frame = here.wait("presence", user_id=bob.id)
    assert frame == {
        "type": "presence",
        "user_id": str(bob.id),
        "status": "online",
        "last_seen_at": None,
    }
    leave(there, bob)
    gone = here.wait("presence", user_id=bob.id)
    assert gone["status"] == "offline"
    bob.refresh_from_db()
    for last_seen_at in (bob.last_seen_at, datetime.fromisoformat(gone["last_seen_at"])):
        assert timezone.now() - last_seen_at < timedelta(seconds=20)
    here.quiet(1.5)
    assert here.presences == []


def test_new_connection_gets_the_presence_of_contacts(alice, bob, charlie, chat, join):
    join(charlie, at=1)
    join(bob, at=1).quiet(1)  # until bob's own status has been published
    here = join(alice)
    assert here.wait("presence", timeout=2)["user_id"] == str(bob.id)
    here.quiet(1)
    assert here.presences == []


def test_outsider_gets_no_presence(alice, bob, charlie, chat, join):
    outside = join(charlie)
    leave(join(bob), bob)
    join(alice, at=1)
    outside.quiet(1.5)
    assert outside.presences == []


def test_second_device_and_page_change_send_no_presence(alice, bob, chat, join):
    phone = join(bob)
    phone.quiet(1)
    here = join(alice)
    here.wait("presence", user_id=bob.id)
    laptop = join(bob, at=1)
    phone.close()
    laptop.close()
    join(bob, at=1)
    here.quiet(1.5)
    assert here.presences == []


def test_people_of_a_dead_process_go_offline(alice, bob, chat, join):
    dying = WebProcess()
    here = join(alice)
    Client(dying.port, device_sign_in(user=bob, device=DEVICE).access).ready()
    assert here.wait("presence", user_id=bob.id)["status"] == "online"
    dying.kill()
    here.quiet(1.5)
    assert here.presences == []
    pass_time(bob, presence.TTL)
    assert here.wait("presence", user_id=bob.id, timeout=3)["status"] == "offline"


def test_emptied_redis_is_filled_again(alice, bob, chat, join, api):
    there = join(bob)
    join(alice)
    there.quiet(1)
    for user in (alice, bob):
        client().delete(presence._key(user.id))
        client().zrem(presence.ONLINE, str(user.id))
    assert status(api(alice), bob)[0] == "offline"
    frame = there.wait("presence", timeout=presence.REFRESH + 3)
    assert (frame["user_id"], frame["status"]) == (str(alice.id), "online")
    assert status(api(alice), bob)[0] == "online"


def test_unpublished_going_is_found_by_comparison(alice, bob, chat, join):
    there = join(bob, at=1)
    here = join(alice)
    here.wait("presence", user_id=bob.id)
    there.close()
    time.sleep(0.3)
    client().zrem(presence.ONLINE, str(bob.id))  # claimed by a process that died with it
    assert here.wait("presence", timeout=presence.REFRESH + 3, user_id=bob.id, status="offline")


def test_privacy_setting_hides_presence_at_once(alice, bob, chat, join, api):
    there = join(bob, at=1)
    there.quiet(1)  # until bob's own status has been published
    here = join(alice)
    here.wait("presence", user_id=bob.id)
    api(bob).patch("/users/me", {"last_seen_visibility": "nobody"})
    frame = here.wait("presence", user_id=bob.id, timeout=3)
    assert (frame["status"], frame["last_seen_at"]) == ("offline", None)
    assert status(api(alice), bob) == (None, None)
    leave(there, bob)
    again = join(bob)
    join(alice, at=1).quiet(0.5)
    here.quiet(1)
    assert here.presences == []
    api(bob).patch("/users/me", {"last_seen_visibility": "everyone"})
    assert here.wait("presence", user_id=bob.id, timeout=3)["status"] == "online"
    again.close()


def test_repeated_privacy_changes_are_broadcast_together(alice, bob, chat, join, api):
    join(bob, at=1).quiet(1)
    here = join(alice)
    here.wait("presence", user_id=bob.id)
    session = api(bob)
    for _ in range(20):
        for choice in ("nobody", "everyone"):
            session.patch("/users/me", {"last_seen_visibility": choice})
    started = time.monotonic()
    here.quiet(1.5)
    took = time.monotonic() - started
    assert len(here.presences) < 15, took
    assert here.presences[-1]["status"] == "online"


def test_large_group_gets_no_live_presence(alice, bob, join, settings):
    members = [UserFactory().id for _ in range(settings.RECEIPTS_LIVE_LIMIT)]
    group_create(actor_id=alice.id, title="Crowd", member_ids=[bob.id, *members])
    here = join(alice)
    join(bob, at=1)
    here.quiet(1.5)
    assert here.presences == []


def status(api, user) -> tuple:
    """A person's presence in REST; the same in every response that has it."""
    body = api.get(f"/users/{user.id}").json()
    for item in api.get("/chats").json()["items"]:
        rows = api.get(f"/chats/{item['id']}/participants").json()["items"]
        people = [item["peer"], *(row["user"] for row in rows)]
        for one in people:
            if one and one["id"] == str(user.id):
                assert one == body
    return body["status"], body["last_seen_at"]


def test_rest_shows_presence_to_people_who_share_a_chat(alice, bob, charlie, chat, join, api):
    assert status(api(alice), bob) == ("offline", None)
    socket = join(bob)
    assert status(api(alice), bob) == ("online", None)
    assert status(api(charlie), bob) == (None, None)
    leave(socket, bob)
    time.sleep(1.5)  # until a process has noticed
    shown, last_seen_at = status(api(alice), bob)
    assert (shown, last_seen_at is None) == ("offline", False)
    assert status(api(charlie), bob) == (None, None)


def test_connections_are_counted_over_all_processes(alice, join, processes, settings):
    token = device_sign_in(user=alice, device=DEVICE).access
    for number in range(settings.SOCKET_CONNECTIONS_PER_USER):
        last = join(alice, at=number % 2, token=token)
    for process in processes:
        assert Client(process.port, token).close_code() == 4429
    last.close()
    time.sleep(0.3)
    join(alice, token=token)
