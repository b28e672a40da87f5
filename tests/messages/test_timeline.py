"""Timelines by key, and what each of them costs."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.chats.services.direct import chat_open_direct
from apps.chats.services.groups import group_create
from apps.messages.models import Message
from apps.messages.serializers import InboxOut, TimelineOut
from apps.messages.services.read import messages_read
from apps.messages.services.send import SendRequest, message_send, messages_send
from messenger.core.ids import new_id
from tests.factories import UserFactory


@pytest.fixture
def filled(alice, bob, chat):
    """A chat with 30 messages by alice and bob in turn."""
    messages_send(
        [SendRequest((alice, bob)[n % 2].id, chat.id, new_id(), f"text {n + 1}") for n in range(30)]
    )
    return chat


@pytest.mark.parametrize(
    ("query", "seqs", "before", "after"),
    [
        ("", range(1, 31), False, False),
        ("&limit=5", range(26, 31), True, False),
        ("&limit=5&before_seq=26", range(21, 26), True, True),
        ("&limit=5&before_seq=4", range(1, 4), False, True),
        ("&limit=5&before_seq=1", range(0), False, True),
        ("&limit=5&before_seq=0", range(0), False, True),
        ("&limit=5&before_seq=9223372036854775807", range(26, 31), True, False),
        ("&limit=5&after_seq=0", range(1, 6), False, True),
        ("&limit=5&after_seq=28", range(29, 31), True, False),
        ("&limit=5&after_seq=99", range(0), True, False),
        ("&limit=6&around_seq=15", range(13, 19), True, True),
        ("&limit=6&around_seq=30", range(25, 31), True, False),
        ("&limit=6&around_seq=0", range(1, 4), False, True),
    ],
)
def test_timeline_windows(alice, filled, api, query, seqs, before, after):
    body = api(alice).get(f"/messages?chat_id={filled.id}{query}").json()
    TimelineOut.model_validate(body)
    assert [item["seq"] for item in body["items"]] == list(seqs)
    assert (body["has_more_before"], body["has_more_after"]) == (before, after)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "chat_id=",
        "chat_id=abc",
        "chat_id={id}&limit=0",
        "chat_id={id}&limit=101",
        "chat_id={id}&limit=ten",
        "chat_id={id}&before_seq=-1",
        "chat_id={id}&before_seq=9223372036854775808",
        "chat_id={id}&before_seq=1&after_seq=2",
        "chat_id={id}&chat_id={id}",
        "chat_id={id}&order=desc",
        "chat_id={id}%00",
        "chat_id={id}&limit=%FF",
    ],
)
def test_a_bad_query_is_a_clear_400(alice, chat, api, query):
    answer = api(alice).get("/messages?" + query.format(id=chat.id))
    assert answer.status_code == 400, answer.content
    assert answer.json()["errors"]


def test_a_timeline_costs_the_same_at_any_depth(alice, filled, api):
    counts = []
    for query in ("limit=1", "limit=30", "limit=5&before_seq=10", "around_seq=15"):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert api(alice).get(f"/messages?chat_id={filled.id}&{query}").status_code == 200
        counts.append(len(queries))
    assert len(set(counts)) == 1


def test_a_timeline_reads_only_its_window_by_the_index(alice, filled):
    sql = (
        "EXPLAIN SELECT * FROM messaging_message"
        f" WHERE chat_id = '{filled.id}' AND seq > 5 AND seq <= 10 ORDER BY seq"
    )
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(sql)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "message_seq_unique" in plan
    assert "Sort" not in plan


def test_the_chat_list_is_exact_in_a_constant_number_of_queries(alice, api):
    def fill(number: int) -> None:
        for _ in range(number):
            other = UserFactory()
            chat, _ = chat_open_direct(actor_id=alice.id, user_id=other.id)
            for text in ("one", "two", "three"):
                message_send(sender_id=other.id, chat_id=chat.id, text=text)
            message_send(sender_id=alice.id, chat_id=chat.id, text="mine")

    client, counts = api(alice), []
    for number in (1, 10):
        fill(number)
        with CaptureQueriesContext(connection) as queries:
            body = client.get("/chats").json()
        InboxOut.model_validate(body)
        counts.append(len(queries))
        assert {item["unread_count"] for item in body["items"]} == {3}
        assert {item["last_message"]["text"] for item in body["items"]} == {"mine"}
    assert counts[0] == counts[1]


def test_unread_counts_follow_reading_deleting_and_newer_chats_come_first(alice, bob, api, say):
    first = say(bob, "one")
    second = say(bob, "two")
    group = group_create(actor_id=bob.id, title="Later", member_ids=[alice.id])
    message_send(sender_id=bob.id, chat_id=group.id, text="in the group")

    def unread() -> list[tuple[str, int]]:
        items = api(alice).get("/chats").json()["items"]
        return [(item["kind"], item["unread_count"]) for item in items]

    assert unread() == [("group", 1), ("direct", 2)]
    api(bob).delete(f"/messages/{second['id']}")
    assert unread() == [("group", 1), ("direct", 1)]
    assert api(alice).post(f"/messages/{first['id']}/read").status_code == 204
    assert unread() == [("group", 1), ("direct", 0)]
    say(bob, "three")
    assert unread() == [("direct", 1), ("group", 1)]


def test_read_is_cumulative_and_never_goes_back(alice, bob, chat, say, api):
    for number in range(5):
        say(bob, str(number))
    messages_read(actor_id=alice.id, chat_id=chat.id, seq=4)
    messages_read(actor_id=alice.id, chat_id=chat.id, seq=2)
    item = api(alice).get(f"/chats/{chat.id}").json()
    assert (item["read_seq"], item["delivered_seq"], item["unread_count"]) == (4, 4, 1)
    seqs = Message.objects.filter(read_at=None).values_list("seq", flat=True)
    assert list(seqs) == [5]


def test_replies_to_a_message_are_found_by_an_index(db):
    """The foreign key asks it for every message of a chat that is deleted."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN SELECT 1 FROM messaging_message WHERE reply_to_id = %s", [uuid4()])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "message_reply_to" in plan
