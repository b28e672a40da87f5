"""One table of cases through both doors: REST and the socket refuse and allow the same."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from apps.accounts.services.blocks import user_block
from apps.chats.services.direct import chat_open_direct
from apps.messages.commands import socket as commands
from apps.messages.serializers import SocketDeleteInput, SocketEditInput, SocketSendInput
from apps.messages.services.send import message_send, messages_send
from messenger.core.actors import Actor
from messenger.core.errors import DomainError
from messenger.core.problems import problem
from messenger.core.shapes import read_input

KNOWN = UUID("0199a000-0000-7000-8000-000000000001")

SEND = [
    ("alice", {"text": "hello"}, None),
    ("bob", {"text": "hello"}, None),
    ("charlie", {"text": "hello"}, "not_found"),
    ("alice", {"text": ""}, "invalid_input"),
    ("alice", {"text": "x" * 5001}, "invalid_input"),
    ("alice", {"text": "x" * 5000}, None),
    ("alice", {"text": "again", "message_id": str(KNOWN)}, None),
    ("bob", {"text": "stolen", "message_id": str(KNOWN)}, "message_id_conflict"),
    ("alice", {"text": "x", "reply_to": str(KNOWN)}, None),
    ("alice", {"text": "x", "reply_to": str(uuid4())}, "invalid_input"),
    ("alice", {"text": "x", "chat_id": str(uuid4())}, "not_found"),
    ("alice", {"text": "x", "chat_id": "x"}, "invalid_input"),
]
CHANGE = [
    ("alice", "edit", {"text": "new"}, None),
    ("alice", "edit", {"text": " "}, "invalid_input"),
    ("bob", "edit", {"text": "new"}, "not_author"),
    ("charlie", "edit", {"text": "new"}, "not_found"),
    ("alice", "delete", {}, None),
    ("bob", "delete", {}, "not_author"),
    ("charlie", "delete", {}, "not_found"),
]


@pytest.fixture
def cast(alice, bob, charlie):
    """Who acts, by name; alice and bob share a chat in which alice has written."""
    chat, _ = chat_open_direct(actor_id=alice.id, user_id=bob.id)
    message_send(sender_id=alice.id, chat_id=chat.id, text="first", message_id=KNOWN)
    return {"alice": alice, "bob": bob, "charlie": charlie, "chat": chat}


def through_the_socket(call) -> dict | None:
    """The problem that a command ends in, or None."""
    try:
        outcome = call()
    except DomainError as error:
        outcome = error
    return problem(outcome) if isinstance(outcome, DomainError) else None


def assert_same(answer, refused: dict | None, code: str | None) -> None:
    if code is None:
        assert refused is None
        assert answer.status_code in (200, 201, 204), answer.content
        return
    body = answer.json()
    same = ("type", "title", "status", "code")
    assert {key: body[key] for key in same} == {key: refused[key] for key in same}
    assert (body["code"], answer.status_code) == (code, body["status"])


@pytest.mark.parametrize(("who", "fields", "code"), SEND)
def test_sending_is_the_same_through_both_doors(cast, api, who, fields, code):
    body = {"chat_id": str(cast["chat"].id), **fields}
    answer = api(cast[who]).post("/messages", body)
    actor = Actor(cast[who].id)

    def by_socket():
        frame = {"message_id": str(uuid4()), **body}
        requests = commands.send_requests(actor, read_input(SocketSendInput, frame))
        return messages_send(requests)[0]

    assert_same(answer, through_the_socket(by_socket), code)


@pytest.mark.parametrize(
    ("blocker", "who", "code"),
    [
        ("bob", "alice", "not_accepting_messages"),
        ("bob", "bob", "person_blocked"),
        ("alice", "alice", "person_blocked"),
        ("alice", "bob", "not_accepting_messages"),
    ],
)
def test_nobody_writes_where_one_blocks_the_other(cast, api, blocker, who, code):
    other = "alice" if blocker == "bob" else "bob"
    user_block(actor_id=cast[blocker].id, user_id=cast[other].id)
    test_sending_is_the_same_through_both_doors(cast, api, who, {"text": "hello"}, code)
    outcome = code if who == "alice" else "not_author"
    for text in ("new", "first"):  # also where nothing would change
        test_changing_is_the_same_through_both_doors(
            cast, api, who, "edit", {"text": text}, outcome
        )


@pytest.mark.parametrize(("who", "what", "fields", "code"), CHANGE)
def test_changing_is_the_same_through_both_doors(cast, api, who, what, fields, code):
    actor, frame = Actor(cast[who].id), {"message_id": str(KNOWN), **fields}
    client, path = api(cast[who]), f"/messages/{KNOWN}"
    answer = client.patch(path, fields) if what == "edit" else client.delete(path)

    def by_socket():
        if what == "edit":
            return commands.edit(actor, read_input(SocketEditInput, frame))
        return commands.delete(actor, read_input(SocketDeleteInput, frame))

    assert_same(answer, through_the_socket(by_socket), code)
