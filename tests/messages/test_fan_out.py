"""Notifications of new messages: who gets which, exactly once, also when a worker dies."""

from __future__ import annotations

import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from apps.accounts.models import Block, Notification
from apps.chats.models import Participant
from apps.chats.services.groups import group_create
from apps.chats.services.participants import participant_remove, participants_add
from apps.messages import tasks
from apps.messages.services import fan_out as service
from apps.messages.services.change import message_delete, message_edit
from apps.messages.services.read import CursorMove, cursors_move, messages_read
from apps.messages.services.send import SendRequest, message_send, messages_send
from messenger.core.models import OutboxEvent
from tests.accounts.test_devices import subscription
from tests.factories import UserFactory


@pytest.fixture
def group(alice, bob, charlie):
    return group_create(actor_id=alice.id, title="Walkers", member_ids=[bob.id, charlie.id])


@pytest.fixture
def connected(monkeypatch) -> set:
    """Who is connected; empty, as it is while Redis is away."""
    found: set = set()
    monkeypatch.setattr(service.presence, "connected", lambda ids: found & set(ids))
    return found


@pytest.fixture
def pushed(monkeypatch) -> list:
    """(device, notification, position) of every push that was queued."""
    queued: list = []
    monkeypatch.setattr(tasks.push, "delay", lambda *args: queued.append(args))
    return queued


pytestmark = pytest.mark.usefixtures("connected", "pushed")


def follow() -> None:
    """What the relay does: hand over all events that fan-out follows."""
    events = OutboxEvent.objects.filter(event_type__in=["message.sent", "message.edited"])
    tasks.fan_out(list(events.values_list("id", flat=True)))


def told(user) -> list[tuple[str, int]]:
    """Unread: (kind, position), in the list's order."""
    rows = Notification.objects.filter(user=user, read_at=None).order_by("seq")
    return [(row.kind, row.position) for row in rows]


def say(sender, chat, text="hello"):
    return message_send(sender_id=sender.id, chat_id=chat.id, text=text).message


def test_offline_people_get_one_notification_for_the_newest_message(alice, bob, charlie, group):
    for number in range(3):
        say(alice, group, f"{number}")
    follow()
    assert told(bob) == told(charlie) == [("messages", 3)]
    assert told(alice) == []
    say(bob, group)
    follow()
    assert told(bob) == [("messages", 3)]
    assert told(charlie) == [("messages", 4)]


def test_connected_or_up_to_date_people_are_not_notified(alice, bob, charlie, group, connected):
    say(alice, group)
    connected.add(bob.id)
    cursors_move([CursorMove(charlie.id, group.id, delivered_seq=1)])
    follow()
    assert not Notification.objects.exists()


def test_mention_notifies_connected_people_until_it_is_read(
    alice, bob, group, connected, pushed, api
):
    api(bob).post("/devices", subscription())
    connected.add(bob.id)
    say(alice, group, "@bob_m come")
    follow()
    assert told(bob) == [("mention", 1)]
    assert pushed == []
    messages_read(actor_id=bob.id, chat_id=group.id, seq=1)
    follow()
    assert told(bob) == []


def test_repeated_fan_out_creates_one_notification(alice, bob, group, pushed, api):
    api(bob).post("/devices", subscription())
    say(alice, group)
    say(alice, group, "@bob_m!")
    for _ in range(3):
        follow()
    assert sorted(told(bob)) == [("mention", 2), ("messages", 1)]
    assert len(pushed) == 2


@pytest.mark.parametrize("where", ["before_writing", "before_queueing", "while_queueing", "after"])
def test_killed_worker_loses_no_notification_and_creates_no_second(
    alice, bob, charlie, group, pushed, api, monkeypatch, where
):
    for user in (bob, charlie):
        api(user).post("/devices", subscription(user.id))
    say(alice, group)

    def die(*args, **kwargs):
        raise SystemExit

    place, name, death = {
        "before_writing": (service, "notifications_create", die),
        "before_queueing": (service, "pushes_due", die),
        "while_queueing": (tasks.push, "delay", lambda *args: pushed.append(args) or die()),
        "after": (tasks, "notifications_pushed", die),
    }[where]
    with monkeypatch.context() as broken:
        broken.setattr(place, name, death)
        with pytest.raises(SystemExit):
            follow()
    follow()
    follow()
    assert told(bob) == told(charlie) == [("messages", 1)]
    assert len({one[0] for one in pushed}) == 2
    # Pushes enqueued before the crash are enqueued again; the device replaces the first one.
    assert len(pushed) == {"while_queueing": 3, "after": 4}.get(where, 2)


SOON, LATER = timedelta(hours=-1), timedelta(hours=1)
LEVELS = [
    ({"notify": "all"}, ["mention", "messages"], 2),
    ({"notify": "mentions"}, ["mention"], 1),
    ({"notify": "none"}, [], 0),
    ({"muted_until": LATER}, ["mention"], 0),
    ({"muted_until": SOON}, ["mention", "messages"], 2),
    ({"muted_until": LATER, "notify": "none"}, [], 0),
    ({"archived": True, "pinned": True}, ["mention", "messages"], 2),
]


@pytest.mark.parametrize(("wishes", "kinds", "pushes"), LEVELS)
def test_notification_preferences_are_respected(
    alice, bob, group, pushed, api, wishes, kinds, pushes
):
    api(bob).post("/devices", subscription())
    if "muted_until" in wishes:
        wishes = {**wishes, "muted_until": timezone.now() + wishes["muted_until"]}
    Participant.objects.filter(user=bob, chat=group).update(**wishes)
    say(alice, group)
    say(alice, group, "@bob_m")
    follow()
    assert sorted(kind for kind, _ in told(bob)) == kinds
    assert len(pushed) == pushes


def test_leavers_and_newcomers_are_not_notified_of_invisible_messages(alice, bob, charlie, group):
    say(alice, group, "@bob_m @charlie")
    participant_remove(actor_id=alice.id, chat_id=group.id, user_id=bob.id)
    late = UserFactory(username="late")
    participants_add(actor_id=alice.id, chat_id=group.id, user_ids=[late.id])
    message_edit(
        actor_id=alice.id,
        message_id=OutboxEvent.objects.get(event_type="message.sent").payload["id"],
        text="@charlie @late @bob_m",
    )
    follow()
    assert told(bob) == told(late) == []
    assert told(charlie) == [("mention", 1)]


def test_messages_of_blocked_people_do_not_notify(alice, bob, charlie, group):
    Block.objects.create(blocker=bob, blocked=alice)
    say(alice, group, "@bob_m @charlie")
    say(alice, group)
    follow()
    assert told(bob) == []
    assert sorted(told(charlie)) == [("mention", 1), ("messages", 2)]
    say(charlie, group)
    follow()
    assert told(bob) == [("messages", 3)]


def test_leaving_deletes_the_chats_notifications(alice, bob, group):
    say(alice, group, "@bob_m")
    follow()
    assert told(bob)
    participant_remove(actor_id=bob.id, chat_id=group.id, user_id=bob.id)
    assert not Notification.objects.filter(user=bob).exists()


def test_edit_notifies_only_newly_mentioned_people(alice, bob, charlie, group, pushed):
    sent = say(alice, group, "@bob_m")
    follow()
    messages_read(actor_id=bob.id, chat_id=group.id, seq=1)
    message_edit(actor_id=alice.id, message_id=sent["id"], text="@bob_m and @charlie")
    follow()
    assert told(bob) == []
    assert ("mention", 1) in told(charlie)


def test_deleted_message_does_not_notify(alice, bob, group):
    first = say(alice, group, "@bob_m")
    follow()
    message_delete(actor_id=alice.id, message_id=first["id"])
    assert told(bob) == []
    second = say(alice, group, "@bob_m again")
    message_delete(actor_id=alice.id, message_id=second["id"])
    follow()
    assert told(bob) == []


def test_reading_the_chat_clears_its_notifications(alice, bob, group):
    say(alice, group)
    say(alice, group, "@bob_m")
    say(alice, group, "@bob_m")
    follow()
    messages_read(actor_id=bob.id, chat_id=group.id, seq=2)
    assert told(bob) == [("mention", 3)]
    messages_read(actor_id=bob.id, chat_id=group.id, seq=3)
    assert told(bob) == []


def test_fan_out_costs_two_statements_when_all_are_connected(
    alice, bob, charlie, group, connected, django_assert_num_queries
):
    other = group_create(actor_id=bob.id, title="Other", member_ids=[alice.id])
    connected.update({alice.id, bob.id, charlie.id})
    chats = (group, other)
    messages_send([SendRequest(alice.id, chats[n % 2].id, uuid4(), "hi") for n in range(64)])
    ids = list(OutboxEvent.objects.values_list("id", flat=True))
    with django_assert_num_queries(2):
        tasks.fan_out(ids)


def test_a_large_chat_is_a_task_per_chunk(alice, group, monkeypatch, django_assert_max_num_queries):
    monkeypatch.setattr(tasks, "CHUNK", 4)
    members = UserFactory.create_batch(9)
    participants_add(actor_id=alice.id, chat_id=group.id, user_ids=[one.id for one in members])
    say(alice, group)
    say(alice, group, f"@{members[5].username}")
    parts: list = []
    monkeypatch.setattr(tasks.fan_out_part, "delay", lambda *args: parts.append(args))
    follow()
    assert len(parts) == 3
    for part in parts:
        with django_assert_max_num_queries(15):
            tasks.fan_out_part(*part)
    rows = Notification.objects.values_list("user_id", "kind", "position")
    expected = {(row.user_id, "messages", 2) for row in Participant.objects.filter(chat=group)}
    expected -= {(alice.id, "messages", 2), (members[5].id, "messages", 2)}
    assert set(rows) == expected | {(members[5].id, "messages", 1), (members[5].id, "mention", 2)}


@pytest.mark.django_db(transaction=True)
def test_person_removed_during_fan_out_keeps_no_notification(alice, bob, group, monkeypatch):
    say(alice, group, "@bob_m the plan is")
    decide = service.notices_for

    def remove():
        participant_remove(actor_id=alice.id, chat_id=group.id, user_id=bob.id)
        connection.close()

    removal = threading.Thread(target=remove)

    def remove_meanwhile(*args, **kwargs):
        if removal.ident is None:
            removal.start()
            removal.join(1)
        return decide(*args, **kwargs)

    monkeypatch.setattr(service, "notices_for", remove_meanwhile)
    follow()
    removal.join(5)
    assert not Notification.objects.filter(user=bob).exists()
