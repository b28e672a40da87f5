"""Receipts: cursors, and when a message counts as delivered or read by all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from celery import current_app
from django.db import connection

from apps.chats.services.groups import group_create
from apps.chats.services.participants import participant_remove, participants_add
from apps.messages import tasks
from apps.messages.models import Message
from apps.messages.services.read import CursorMove, cursors_move
from apps.messages.services.send import SendRequest, message_send, messages_send
from messenger.core.brokers.none import NoBroker
from messenger.core.errors import NotFound
from messenger.core.ids import new_id
from messenger.core.models import OutboxEvent
from messenger.core.relay import OutboxRelay
from tests.factories import UserFactory


@pytest.fixture
def group(alice, bob, charlie):
    """Alice, bob and charlie, with one message of each."""
    chat = group_create(actor_id=alice.id, title="Three", member_ids=[bob.id, charlie.id])
    for sender in (alice, bob, charlie):
        message_send(sender_id=sender.id, chat_id=chat.id, text=sender.username)
    return chat


def delivered() -> list[int]:
    rows = Message.objects.exclude(delivered_at=None).order_by("seq")
    return list(rows.values_list("seq", flat=True))


def test_message_is_delivered_with_the_last_receipt(alice, bob, charlie, group):
    cursors_move([CursorMove(bob.id, group.id, 3)])
    assert delivered() == []  # of each message, somebody else is missing
    cursors_move([CursorMove(charlie.id, group.id, 1)])
    assert delivered() == [1]  # alice's own: both others have it
    cursors_move([CursorMove(charlie.id, group.id, 3)])
    assert delivered() == [1]
    cursors_move([CursorMove(alice.id, group.id, 2)])
    assert delivered() == [1, 2]
    cursors_move([CursorMove(alice.id, group.id, 3)])
    assert delivered() == [1, 2, 3]


def test_read_implies_delivered_and_the_first_time_stays(alice, bob, chat, say, api):
    message = say(alice, "hello")
    api(bob).post(f"/messages/{message['id']}/read")
    first = api(alice).get(f"/messages/{message['id']}").json()
    assert first["delivered_at"] == first["read_at"] is not None
    say(alice, "more")
    api(bob).post(f"/chats/{chat.id}/read", {"seq": 2})
    assert api(alice).get(f"/messages/{message['id']}").json()["read_at"] == first["read_at"]


def test_sender_needs_no_receipt_in_a_direct_chat(alice, bob, chat, say, api):
    say(bob, "unread by alice")
    mine = say(alice, "read by bob")
    api(bob).post(f"/chats/{chat.id}/read", {"seq": 2})
    assert api(alice).get(f"/messages/{mine['id']}").json()["read_at"] is not None
    rows = {row.seq: row.read_at for row in Message.objects.all()}
    assert rows[1] is None


def test_receipts_list_all_but_the_sender(alice, bob, charlie, group, api):
    cursors_move([CursorMove(bob.id, group.id, 3, 1)])
    message = Message.objects.get(seq=1)
    items = api(alice).get(f"/messages/{message.id}/receipts").json()["items"]
    state = {item["user_id"]: (item["delivered_at"], item["read_at"]) for item in items}
    assert set(state) == {str(bob.id), str(charlie.id)}
    assert None not in state[str(bob.id)]
    assert state[str(charlie.id)] == (None, None)


def test_each_cursor_move_emits_one_event_with_its_range(bob, group):
    for seq in (2, 2, 1, 3):
        cursors_move([CursorMove(bob.id, group.id, seq)])
    told = OutboxEvent.objects.filter(event_type="message.delivered").order_by("id")
    ranges = [(event.payload["from_seq"], event.payload["to_seq"]) for event in told]
    assert ranges == [(1, 2), (3, 3)]
    assert {event.aggregate_id for event in told} == {bob.id}


def test_cursors_of_outsiders_are_refused_without_affecting_others(bob, group):
    outsider = UserFactory()
    outcomes = cursors_move([CursorMove(outsider.id, group.id, 3), CursorMove(bob.id, group.id, 3)])
    assert [type(outcome) for outcome in outcomes] == [NotFound, type(None)]


@pytest.mark.django_db(transaction=True)
def test_two_concurrent_last_receipts_complete_the_message():
    sender, *others = [UserFactory() for _ in range(5)]
    chat = group_create(actor_id=sender.id, title="Five", member_ids=[one.id for one in others])
    messages_send([SendRequest(sender.id, chat.id, new_id(), str(n)) for n in range(20)])

    def read(move: tuple[int, int]) -> None:
        try:
            who, seq = move
            cursors_move([CursorMove(others[who].id, chat.id, seq, seq)])
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(read, [(who, seq) for seq in range(1, 21) for who in range(4)]))
    assert Message.objects.filter(read_at=None).count() == 0
    assert Message.objects.filter(delivered_at=None).count() == 0


def times() -> list[tuple[int, bool, bool]]:
    """Of each message: `seq`, whether it is delivered, whether it is read."""
    rows = Message.objects.order_by("seq")
    return [(row.seq, row.delivered_at is not None, row.read_at is not None) for row in rows]


def leave(user, chat) -> None:
    participant_remove(actor_id=user.id, chat_id=chat.id, user_id=user.id)


def follow() -> None:
    """What the relay does: hand over all events that say that somebody left."""
    events = OutboxEvent.objects.filter(event_type="chat.participant_left")
    tasks.complete_receipts(list(events.values_list("id", flat=True)))


def test_message_is_complete_once_the_last_reader_leaves(alice, bob, charlie, group):
    cursors_move([CursorMove(alice.id, group.id, 3, 3), CursorMove(bob.id, group.id, 3, 2)])
    cursors_move([CursorMove(charlie.id, group.id, 1)])
    assert times() == [(1, True, False), (2, False, False), (3, True, False)]
    leave(charlie, group)
    follow()
    # Charlie's own waits for bob; bob's own does not.
    assert times() == [(1, True, True), (2, True, True), (3, True, False)]


def test_remaining_participants_count_and_the_task_is_idempotent(alice, bob, charlie, group):
    cursors_move([CursorMove(alice.id, group.id, 3, 3), CursorMove(bob.id, group.id, 1)])
    leave(charlie, group)
    follow()
    assert times() == [(1, True, False), (2, True, True), (3, False, False)]
    first = list(Message.objects.order_by("seq").values_list("delivered_at", "read_at"))
    follow()
    assert list(Message.objects.order_by("seq").values_list("delivered_at", "read_at")) == first


def test_return_before_the_task_does_not_delay_receipts(alice, bob, charlie, group):
    cursors_move([CursorMove(alice.id, group.id, 3, 3), CursorMove(bob.id, group.id, 3, 3)])
    leave(charlie, group)
    participants_add(actor_id=alice.id, chat_id=group.id, user_ids=[charlie.id])
    follow()
    assert times() == [(1, True, True), (2, True, True), (3, True, True)]


def test_several_leavers_count_from_the_lowest_cursor(alice, bob, charlie, group):
    dora = UserFactory()
    participants_add(actor_id=alice.id, chat_id=group.id, user_ids=[dora.id])
    message_send(sender_id=alice.id, chat_id=group.id, text="four")
    cursors_move([CursorMove(alice.id, group.id, 4, 4), CursorMove(bob.id, group.id, 4, 4)])
    leave(dora, group)
    leave(charlie, group)
    follow()
    assert times() == [(seq, True, True) for seq in (1, 2, 3, 4)]


def test_message_without_other_participants_does_not_become_read(alice, bob, charlie, group):
    leave(bob, group)
    leave(charlie, group)
    follow()
    assert (1, False, False) in times()


def test_deleted_chat_and_empty_batch_are_ignored(alice, bob, charlie, group):
    tasks.complete_receipts([])
    leave(charlie, group)
    group.delete()
    follow()


def test_completing_receipts_costs_constant_statements(
    alice, bob, charlie, group, django_assert_num_queries
):
    leave(charlie, group)
    leave(bob, group)
    events = OutboxEvent.objects.filter(event_type="chat.participant_left")
    ids = list(events.values_list("id", flat=True))
    with django_assert_num_queries(7):  # the events, a savepoint's two, lock, time, each kind
        tasks.complete_receipts(ids)


def test_the_relay_hands_leavers_to_the_task(alice, bob, charlie, group):
    queued: dict[str, list[int]] = {}
    relay = OutboxRelay(
        broker=NoBroker, enqueue=lambda name, ids: queued.update({name: ids}), pause=0
    )
    cursors_move([CursorMove(alice.id, group.id, 3, 3), CursorMove(bob.id, group.id, 3, 3)])
    leave(charlie, group)
    relay.run()
    name = "messages.complete_receipts"
    current_app.tasks[name](queued[name])
    assert times() == [(1, True, True), (2, True, True), (3, True, True)]


@pytest.mark.django_db(transaction=True)
def test_leaving_and_reading_at_the_same_moment_complete_the_message():
    sender, *others = [UserFactory() for _ in range(5)]
    chat = group_create(actor_id=sender.id, title="Five", member_ids=[one.id for one in others])
    messages_send([SendRequest(sender.id, chat.id, new_id(), str(n)) for n in range(20)])

    def act(step: tuple[int, int]) -> None:
        try:
            who, seq = step
            if seq == 21:
                leave(others[who], chat)
                follow()
            else:
                cursors_move([CursorMove(others[who].id, chat.id, seq, seq)])
        finally:
            connection.close()

    steps = [(who, seq) for seq in range(1, 21) for who in (0, 1)]
    steps[10:10], steps[30:30] = [(2, 21)], [(3, 21)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(act, steps))
    assert Message.objects.filter(read_at=None).count() == 0
    assert Message.objects.filter(delivered_at=None).count() == 0
