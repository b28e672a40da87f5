"""Hostile frames: one error each, nothing else happens, the socket stays open."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from apps.messages.models import Message

pytestmark = pytest.mark.django_db(transaction=True)

ID = str(uuid4())
FRAMES = {
    "not JSON": "{",
    "empty": " ",
    "not an object": "[]",
    "a string": '"message"',
    "null": "null",
    "binary": b'{"type":"pong","n":1}',
    "no type": "{}",
    "type is a number": '{"type": 1}',
    "type is a list": '{"type": ["message"]}',
    "unknown type": '{"type": "shutdown"}',
    "dunder": '{"type": "__class__"}',
    "a handler of the server": '{"type": "websocket.disconnect"}',
    "a method of the server": '{"type": "_change_connection"}',
    "an execution mode": '{"type": "OnConnection"}',
    "missing fields": '{"type": "message"}',
    "extra field": json.dumps(
        {"type": "message", "message_id": ID, "chat_id": ID, "text": "x", "sender_id": ID}
    ),
    "wrong types": json.dumps({"type": "message", "message_id": 1, "chat_id": {}, "text": []}),
    "text too long": json.dumps(
        {"type": "message", "message_id": ID, "chat_id": ID, "text": "x" * 5001}
    ),
    "NUL": json.dumps({"type": "message", "message_id": ID, "chat_id": ID, "text": "a\0b"}),
    "lone surrogate": '{"type":"message","text":"\\ud800"}',
    "deep": '{"type":' + "[" * 30_000 + "]" * 30_000 + "}",
    "huge number": '{"type":"pong","n":' + "9" * 5000 + "}",
    "duplicate keys": '{"type":"pong","type":"pong","n":1}',
    "NaN": '{"type":"pong","n":NaN}',
    "a float for a number": '{"type":"pong","n":1.5}',
    "a negative seq": json.dumps({"type": "read", "items": [{"chat_id": ID, "seq": -1}]}),
    "a seq beyond bigint": json.dumps({"type": "read", "items": [{"chat_id": ID, "seq": 2**63}]}),
    "no items": json.dumps({"type": "delivered", "items": []}),
    "sync by list": json.dumps({"type": "sync", "chats": [ID]}),
    "sync of nonsense": json.dumps({"type": "sync", "chats": {"x": 1}}),
    "ref is an object": '{"type":"pong","n":1,"ref":{}}',
    "ref is long": json.dumps({"type": "pong", "n": 1, "ref": "r" * 1000}),
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES.keys())
def test_hostile_frame_gets_one_error_and_the_socket_stays_open(alice, bob, chat, join, frame):
    here = join(alice)
    here.raw(frame)
    fields = {"message_id": uuid4(), "chat_id": chat.id, "text": "still here"}
    answers = here.frames_until_answer("message", **fields)
    assert [answer["type"] for answer in answers] == ["error"]
    assert (answers[0]["status"], answers[0]["code"]) == (400, "invalid_input")
    assert [message.text for message in Message.objects.all()] == ["still here"]


def test_invisible_ids_are_answered_like_unknown_ids(alice, charlie, chat, join):
    said = join(alice).say(chat.id, "private")
    outside = join(charlie)
    for kind, fields in (
        ("edit_message", {"text": "x"}),
        ("delete_message", {}),
    ):
        mine = outside.ask(kind, message_id=said["message_id"], **fields)
        none = outside.ask(kind, message_id=uuid4(), **fields)
        assert {**mine, "ref": 0} == {**none, "ref": 0}
        assert mine["code"] == "not_found"
    for kind in ("read", "delivered"):
        for chat_id in (chat.id, uuid4()):
            outside.send(kind, items=[{"chat_id": chat_id, "seq": 1}], ref="r")
            assert outside.answer("r")["code"] == "not_found"


def test_frame_over_the_size_limit_closes_the_socket(alice, join):
    here = join(alice)
    here.raw('{"type":"pong","n":1,"ref":"' + "x" * 66_000 + '"}')
    assert here.close_code() == 4413
    cyrillic = join(alice)
    cyrillic.raw('{"type":"pong","n":1,"ref":"' + "ж" * 33_000 + '"}')
    assert cyrillic.close_code() == 4413
    there = join(alice)
    there.raw("x" * 200_000)
    assert there.close_code() in (1009, 4413)


def test_flood_of_bad_frames_closes_the_socket(alice, join):
    here = join(alice)
    for _ in range(30):
        here.raw("{")
    assert here.close_code() == 4429


def test_messages_over_the_rate_limit_are_refused_with_retry_after(alice, bob, chat, join):
    here = join(alice)
    for number in range(30):
        here.send("message", message_id=uuid4(), chat_id=chat.id, text="x", ref=str(number))
    answers = [here.answer(str(number)) for number in range(30)]
    refused = [answer for answer in answers if answer["type"] == "error"]
    assert 5 <= len(refused) <= 10
    assert {answer["code"] for answer in refused} == {"rate_limited"}
    assert all(answer["retry_after"] >= 1 for answer in refused)
    assert Message.objects.count() == 30 - len(refused)


def test_frame_with_many_foreign_chats_gets_one_error(charlie, chat, join):
    outside = join(charlie)
    items = [{"chat_id": uuid4(), "seq": 1} for _ in range(100)]
    outside.send("read", items=items)
    answers = outside.frames_until_answer("read", items=items[:1])
    assert [frame["code"] for frame in answers] == ["not_found"]
