"""The declared protocol: complete, consistent with its examples, and documented."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.utils import timezone
from django.utils.translation import override
from jsonschema import Draft7Validator

from apps.chats.services.groups import chat_update, group_create
from apps.chats.services.participants import participant_set_role
from apps.messages.commands.answers import MessageAck
from apps.messages.errors import EditWindowOver
from messenger.core.examples import CONNECTION, REF
from messenger.core.json import dumps
from messenger.core.schema import Problem
from messenger.core.shapes import read_input
from messenger.gateway import close_codes, connection, frames, protocol
from messenger.gateway.commands import COMMANDS
from messenger.gateway.connection import Connection
from messenger.gateway.docs import documents
from messenger.gateway.docs.asyncapi import document
from messenger.gateway.docs.schemas import definitions

ROOT = Path(settings.BASE_DIR)
SENDERS = (
    "apps/*/commands.py",
    "apps/*/commands/*.py",
    "apps/*/services/*.py",
    "messenger/gateway/*.py",
)
TYPE = re.compile(r'"type": ?"([a-z_]+)"')


@pytest.mark.parametrize("path", documents(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_documents_on_disk_are_up_to_date(path):
    assert path.read_text(encoding="utf-8") == documents()[path], "run `make docs`"


def test_frames_that_the_code_sends_are_those_declared():
    sources = (path.read_text() for pattern in SENDERS for path in ROOT.glob(pattern))
    sent = {found[1] for source in sources for found in TYPE.finditer(source)}
    assert sent == protocol.frame_types()


def test_every_field_of_a_frame_has_a_description():
    shapes = [*protocol.FRAMES, *protocol.command_frames().values()]
    silent = [
        f"{shape.__name__}.{name}"
        for shape in shapes
        for name, field in definitions()[shape.__name__]["properties"].items()
        if not field.get("description")
        and name != "type"
        # Shared with REST, and described there.
        and name not in Problem.model_fields
    ]
    assert silent == []
    assert all(shape.__doc__ for shape in shapes)


@pytest.mark.parametrize("shape", protocol.FRAMES, ids=lambda shape: shape.__name__)
def test_example_of_a_server_frame_is_valid(shape):
    assert type(protocol.read_frame(dumps(shape.example_frame()))) is shape


def test_example_of_an_error_is_that_error():
    with override("en"):
        built = frames.error(EditWindowOver(), CONNECTION, REF)
    assert protocol.read_frame(dumps(built)) == protocol.read_frame(
        dumps(frames.ErrorFrame.example_frame())
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_example_of_a_command_is_accepted(name):
    fields = COMMANDS[name].example_frame()
    assert fields.pop("type") == name
    fields.pop("ref", None)
    read_input(COMMANDS[name].shape, fields)


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "surprise"},
        {"type": "ping", "n": 1, "extra": 1},
        {"type": "ping", "n": "1"},
        {"type": "ping"},
        {"type": "chat_removed", "chat_id": "not a UUID"},
        {**frames.ErrorFrame.example_frame(), "code": "surprise"},
        {**MessageAck.example_frame(), "ref": None},
    ],
    ids=str,
)
def test_undeclared_frame_is_refused(frame):
    with pytest.raises(ValueError, match=r"declares no|validation error"):
        protocol.read_frame(dumps(frame))


def test_text_limit_of_connected_is_that_of_the_input():
    text = definitions()["MessageCommand"]["properties"]["text"]
    assert text["maxLength"] == settings.MESSAGE_TEXT_LIMIT


def test_every_close_code_has_a_meaning():
    codes = {value for value in vars(close_codes).values() if isinstance(value, int)}
    assert codes == set(close_codes.MEANING)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from references(item)


def test_every_reference_of_the_asyncapi_document_resolves():
    whole = document()
    found = set(references(whole))
    assert found
    for reference in found:
        place = whole
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
        assert place


def test_every_message_of_the_asyncapi_document_has_a_schema_that_its_example_fits():
    whole = document()
    messages = whole["components"]["messages"]
    assert len(messages) == len(COMMANDS) + len(protocol.FRAMES)
    assert set(whole["channels"]["socket"]["messages"]) == set(messages)
    for message in messages.values():
        validator = Draft7Validator({**whole, **message["payload"]})
        for example in message["examples"]:
            validator.validate(json.loads(dumps(example["payload"])))
            assert not validator.is_valid({**example["payload"], "surprise": 1})
    for schema in whole["components"]["schemas"].values():
        Draft7Validator.check_schema(schema)


def test_every_message_belongs_to_an_operation():
    operations = document()["operations"].values()
    named = set(references([one["messages"] for one in operations]))
    answers = set(references([one.get("reply", {}).get("messages", []) for one in operations]))
    known = set(document()["components"]["messages"])
    assert {reference.rsplit("/", 1)[1] for reference in named | answers} == known


async def test_token_expiring_is_sent_once_and_as_declared():
    sent: list[str] = []

    async def send(event: dict[str, Any]) -> None:
        sent.append(event["text"])

    ends = timezone.now() + timedelta(seconds=connection.WARN_BEFORE - 1)
    there = Connection(send, user_id=uuid4(), session_id=uuid4(), expires_at=ends, now=0.0)
    there.check_token()
    there.check_token()
    (text,) = sent
    assert isinstance(protocol.read_frame(text), frames.TokenExpiringFrame)


@pytest.mark.django_db(transaction=True)
@pytest.mark.redis
def test_chat_update_and_new_role_are_sent_as_declared(alice, bob, join):
    group = group_create(actor_id=alice.id, title="Walkers", member_ids=[bob.id])
    there = join(bob, at=1)
    chat_update(actor_id=alice.id, chat_id=group.id, title="Runners")
    assert there.wait("chat_updated")["chat"]["title"] == "Runners"
    participant_set_role(actor_id=alice.id, chat_id=group.id, user_id=bob.id, role="admin")
    assert there.wait("participant_joined")["role"] == "admin"
