"""Receipts: cursors, and when a message counts as delivered or read by all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from apps.chats.services.groups import group_create
from apps.messages.models import Message
from apps.messages.services.read import CursorMove, cursors_move
from apps.messages.services.send import SendRequest, message_send, messages_send
from messenger.core.errors import NotFound
from messenger.core.ids import new_id
from messenger.core.models import OutboxEvent
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


def test_a_message_is_delivered_when_the_last_other_has_it(alice, bob, charlie, group):
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


def test_what_is_read_is_delivered_and_the_first_time_stays(alice, bob, chat, say, api):
    message = say(alice, "hello")
    api(bob).post(f"/messages/{message['id']}/read")
    first = api(alice).get(f"/messages/{message['id']}").json()
    assert first["delivered_at"] == first["read_at"] is not None
    say(alice, "more")
    api(bob).post(f"/chats/{chat.id}/read", {"seq": 2})
    assert api(alice).get(f"/messages/{message['id']}").json()["read_at"] == first["read_at"]


def test_in_a_direct_chat_the_other_one_counts_even_if_i_read_nothing(alice, bob, chat, say, api):
    say(bob, "unread by alice")
    mine = say(alice, "read by bob")
    api(bob).post(f"/chats/{chat.id}/read", {"seq": 2})
    assert api(alice).get(f"/messages/{mine['id']}").json()["read_at"] is not None
    rows = {row.seq: row.read_at for row in Message.objects.all()}
    assert rows[1] is None


def test_receipts_name_everybody_but_the_sender(alice, bob, charlie, group, api):
    cursors_move([CursorMove(bob.id, group.id, 3, 1)])
    message = Message.objects.get(seq=1)
    items = api(alice).get(f"/messages/{message.id}/receipts").json()["items"]
    state = {item["user_id"]: (item["delivered_at"], item["read_at"]) for item in items}
    assert set(state) == {str(bob.id), str(charlie.id)}
    assert None not in state[str(bob.id)]
    assert state[str(charlie.id)] == (None, None)


def test_each_move_is_told_once_with_its_range(bob, group):
    for seq in (2, 2, 1, 3):
        cursors_move([CursorMove(bob.id, group.id, seq)])
    told = OutboxEvent.objects.filter(event_type="message.delivered").order_by("id")
    ranges = [(event.payload["from_seq"], event.payload["to_seq"]) for event in told]
    assert ranges == [(1, 2), (3, 3)]
    assert {event.aggregate_id for event in told} == {bob.id}


def test_outsiders_move_nothing_and_do_not_hinder_others(bob, group):
    outsider = UserFactory()
    outcomes = cursors_move([CursorMove(outsider.id, group.id, 3), CursorMove(bob.id, group.id, 3)])
    assert [type(outcome) for outcome in outcomes] == [NotFound, type(None)]


@pytest.mark.django_db(transaction=True)
def test_the_last_two_at_the_same_moment_complete_the_message():
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
