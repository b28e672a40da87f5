"""Sending: batches, retries, order, and what a bad request must not do to the others."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.db import connection

from apps.chats.models import Chat
from apps.chats.services.direct import chat_open_direct
from apps.chats.services.groups import group_create
from apps.messages.errors import MessageIdConflict
from apps.messages.models import Message
from apps.messages.serializers import MessageOut
from apps.messages.services.send import SendRequest, Sent, messages_send
from messenger.core.errors import InvalidInput, NotFound
from messenger.core.models import OutboxEvent
from tests.factories import UserFactory


def request(sender, chat, text="hi", **fields) -> SendRequest:
    return SendRequest(sender.id, chat.id, fields.pop("message_id", uuid4()), text, **fields)


def test_message_is_stored_counted_and_emitted(alice, bob, chat, api):
    answer = api(alice).post("/messages", {"chat_id": str(chat.id), "text": "  Hello, Bob  "})
    assert answer.status_code == 201
    body = answer.json()
    MessageOut.model_validate(body)
    assert (body["text"], body["seq"], body["sender_id"]) == ("Hello, Bob", 1, str(alice.id))
    event = OutboxEvent.objects.get(event_type="message.sent")
    assert (event.payload, event.aggregate_id) == (body, chat.id)
    assert event.metadata["actor_id"] == str(alice.id)
    assert event.metadata["request_id"] == answer["X-Request-ID"]
    listed = api(bob).get("/chats").json()["items"][0]
    assert (listed["unread_count"], listed["last_message"]["id"]) == (1, body["id"])


def test_recipient_replaces_the_chat_id(alice, charlie, api):
    first = api(alice).post("/messages", {"recipient_id": str(charlie.id), "text": "one"})
    second = api(alice).post("/messages", {"recipient_id": str(charlie.id), "text": "two"})
    assert [first.json()["seq"], second.json()["seq"]] == [1, 2]
    assert first.json()["chat_id"] == second.json()["chat_id"]


def test_retry_stores_no_second_message(alice, chat, api):
    body = {"message_id": str(uuid4()), "chat_id": str(chat.id), "text": "once"}
    answers = [api(alice).post("/messages", body) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 200, 200]
    assert {answer.json()["seq"] for answer in answers} == {1}
    assert Message.objects.count() == 1
    assert OutboxEvent.objects.filter(event_type="message.sent").count() == 1


def test_same_id_in_another_chat_or_by_another_sender_is_a_conflict(alice, bob, charlie, chat, api):
    body = {"message_id": str(uuid4()), "chat_id": str(chat.id), "text": "mine"}
    assert api(alice).post("/messages", body).status_code == 201
    other = chat_open_direct(actor_id=alice.id, user_id=charlie.id)[0]
    for client, chat_id, code in (
        (api(bob), chat.id, "message_id_conflict"),
        (api(alice), other.id, "message_id_conflict"),
        (api(charlie), chat.id, "not_found"),  # outsiders do not even learn that
    ):
        answer = client.post("/messages", {**body, "chat_id": str(chat_id)})
        assert answer.json()["code"] == code
    assert Message.objects.count() == 1


def test_a_bad_request_in_a_batch_fails_alone(alice, bob, charlie, chat):
    known = uuid4()
    messages_send([request(bob, chat, message_id=known)])
    outcomes = messages_send(
        [
            request(alice, chat, "first"),
            request(charlie, chat, "outsider"),
            request(alice, chat, "quotes nothing", reply_to=uuid4()),
            request(alice, chat, "taken", message_id=known),
            request(bob, chat, "again", message_id=known),
            request(bob, chat, "last"),
        ]
    )
    kinds = [type(outcome) for outcome in outcomes]
    assert kinds == [Sent, NotFound, InvalidInput, MessageIdConflict, Sent, Sent]
    assert outcomes[4].duplicate
    assert list(Message.objects.order_by("seq").values_list("seq", "text")) == [
        (1, "hi"),
        (2, "first"),
        (3, "last"),
    ]


def test_a_repeat_within_one_batch_is_one_message(alice, chat):
    twice = request(alice, chat)
    first, second = messages_send([twice, twice])
    assert (first.duplicate, second.duplicate) == (False, True)
    assert first.message == second.message
    assert Chat.objects.get(pk=chat.pk).last_seq == 1


def test_a_batch_costs_the_same_statements_whatever_its_size(
    alice, bob, chat, django_assert_num_queries
):
    messages_send([request(alice, chat)])  # leaves alice's mark
    for size in (1, 64):
        batch = [request(alice, chat, f"{number}") for number in range(size)]
        with django_assert_num_queries(4):  # savepoint, lock and marks, write, release
            messages_send(batch)


def test_reply_must_refer_to_a_visible_message_of_the_chat(alice, bob, chat, say, api):
    quoted = say(bob, "What time?")
    good = say(alice, "Nine.", reply_to=quoted["id"])
    assert good["reply_to"] == quoted["id"]
    elsewhere, _ = chat_open_direct(actor_id=alice.id, user_id=UserFactory().id)
    body = {"chat_id": str(elsewhere.id), "text": "?", "reply_to": str(quoted["id"])}
    assert api(alice).post("/messages", body).status_code == 400


@pytest.mark.django_db(transaction=True)
def test_seq_has_no_gap_when_many_write_at_once_and_some_fail():
    one, other, outsider = UserFactory(), UserFactory(), UserFactory()
    chat, _ = chat_open_direct(actor_id=one.id, user_id=other.id)
    ids = [uuid4() for _ in range(40)]

    def send(number: int) -> None:
        try:
            sender = (one, other)[ids[number % 40].int % 2]  # an id always has the same sender
            batch = [request(sender, chat, message_id=ids[number % 40]), request(outsider, chat)]
            messages_send(batch)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(send, range(120)))  # each id three times

    seqs = list(Message.objects.order_by("seq").values_list("seq", flat=True))
    assert seqs == list(range(1, 41))
    assert Chat.objects.get(pk=chat.pk).last_seq == 40
    told = OutboxEvent.objects.filter(event_type="message.sent").order_by("id")
    assert [event.payload["seq"] for event in told] == seqs


@pytest.mark.parametrize(
    "fields",
    [
        {"text": ""},
        {"text": "   "},
        {"text": "x" * 5001},
        {"text": "a\u0000b"},
        {"text": None},
        {"text": 5},
        {"text": ["a"]},
        {"message_id": "not-a-uuid", "text": "x"},
        {"sent_at": "yesterday", "text": "x"},
        {"sent_at": "2026-01-01T00:00:00", "text": "x"},
        {"sent_at": "0001-01-01T00:00:00+14:00", "text": "x"},
        {"recipient_id": str(uuid4()), "text": "both addresses"},
        {"text": "x", "seq": 7},
    ],
)
def test_bad_input_stores_nothing(alice, chat, api, fields):
    answer = api(alice).post("/messages", {"chat_id": str(chat.id), **fields})
    assert answer.status_code == 400, answer.content
    assert answer.json()["code"] == "invalid_input"
    assert Message.objects.count() == 0


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b'{"text": NaN}',
        b'{"text": "a", "text": "b"}',
        b'{"text": "\\ud800"}',
        b'{"text": "\xff"}',
        b'{"text": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 1000 + b"1" + b"}" * 1000,
    ],
)
def test_hostile_bodies_are_a_clear_400(alice, chat, api, raw):
    answer = api(alice).generic("POST", "/messages", raw, content_type="application/json")
    assert answer.status_code == 400, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert Message.objects.count() == 0


def test_sending_is_limited_per_person(alice, bob, chat, api):
    client = api(alice)
    body = {"chat_id": str(chat.id), "text": "x"}
    answers = [client.post("/messages", body) for _ in range(24)]
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(201) in range(20, 24)
    assert statuses[-1] == 429
    assert int(answers[-1]["Retry-After"]) >= 1
    assert api(bob).post("/messages", body).status_code == 201


def test_reply_to_a_message_of_the_same_batch_is_stored(alice, bob, chat):
    first = request(alice, chat, "question")
    reply = SendRequest(bob.id, chat.id, uuid4(), "answer", reply_to=first.message_id)
    early = SendRequest(bob.id, chat.id, uuid4(), "too early", reply_to=reply.message_id)
    refused, *stored = messages_send([early, first, reply])
    assert isinstance(refused, InvalidInput)
    assert [one.message["reply_to"] for one in stored] == [None, first.message_id]
    assert Message.objects.get(pk=reply.message_id).reply_to_id == first.message_id


def test_reply_to_a_message_of_another_chat_in_the_batch_is_refused(alice, bob, chat):
    other = group_create(actor_id=alice.id, title="Other")
    first = request(alice, other, "elsewhere")
    reply = SendRequest(bob.id, chat.id, uuid4(), "answer", reply_to=first.message_id)
    assert isinstance(messages_send([first, reply])[1], InvalidInput)
