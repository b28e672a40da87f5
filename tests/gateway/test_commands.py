"""A command's declaration: who may send it, its rate limit, and what it must say."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from messenger.core import limits
from messenger.core.actors import Actor
from messenger.core.errors import LimitExceeded
from messenger.core.permissions import Who
from messenger.core.shapes import Input
from messenger.core.socket import Command, InThread, OnConnection, ServerFrame, commands_by_name
from messenger.core.throttles import Key
from messenger.gateway.commands import COMMANDS
from messenger.gateway.connection import Connection
from messenger.gateway.dispatch import Dispatcher


def command(**fields: Any) -> Command:
    """A command for people with an account, and what a test wants otherwise."""
    return Command(
        **{
            "name": "probe",
            "shape": Input,
            "mode": InThread(lambda actor, data: {"type": "probed"}),
            "who": Who.USER,
            "summary": "A test.",
            "example": {},
            **fields,
        }
    )


def connection(sent: list[dict[str, Any]], **fields: Any) -> Connection:
    async def send(event: dict[str, Any]) -> None:
        sent.append(json.loads(event["text"]))

    ids = {"user_id": uuid4(), "session_id": uuid4()}
    return Connection(send, **ids, expires_at=None, now=0.0, **fields)


def test_command_without_who_cannot_be_declared():
    with pytest.raises(TypeError, match="who"):
        Command(name="probe", shape=Input, mode=OnConnection(None), summary="", example={})


def test_two_commands_cannot_have_one_name():
    with pytest.raises(ValueError, match="probe"):
        commands_by_name((command(),), (command(),))


def test_frame_without_an_example_cannot_be_declared():
    with pytest.raises(TypeError, match="example"):

        class Incomplete(ServerFrame):
            """A test."""

            type: str


@pytest.mark.parametrize(
    ("who", "is_staff", "is_admitted"),
    [
        (Who.ANYONE, False, True),
        (Who.USER, False, True),
        (Who.STAFF, False, False),
        (Who.STAFF, True, True),
        (None, True, False),
        ("user", True, False),
    ],
)
async def test_who_is_enforced_when_the_command_arrives(monkeypatch, who, is_staff, is_admitted):
    monkeypatch.setitem(COMMANDS, "probe", replace(command(), who=who))
    sent: list[dict[str, Any]] = []
    dispatcher = Dispatcher(connection(sent, is_staff=is_staff))
    await dispatcher.receive('{"type": "probe"}')
    assert [frame["type"] for frame in sent] == ["probed" if is_admitted else "error"]
    if not is_admitted:
        await dispatcher.receive('{"type": "unknown"}')
        assert sent[0] == sent[1]  # a forbidden command looks like one that does not exist


async def test_errors_are_in_the_language_of_the_person():
    titles = []
    for locale in ("en", "ru"):
        sent: list[dict[str, Any]] = []
        await Dispatcher(connection(sent, locale=locale)).receive("{")
        titles.append(sent[0]["title"])
    assert titles[0].isascii()
    assert not titles[1].isascii()


@pytest.mark.parametrize("drops_excess", [False, True])
def test_rate_limit_refuses_or_ignores_the_excess(settings, drops_excess):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "messages": (2, 0.01)}
    mode = InThread(lambda actor, data: {"done": 1}, limits.MESSAGES, drops_excess=drops_excess)
    actor = Actor(uuid4())
    assert [mode.run(actor, None), mode.run(actor, None)] == [{"done": 1}] * 2
    if drops_excess:
        assert mode.run(actor, None) is None
    else:
        with pytest.raises(LimitExceeded):
            mode.run(actor, None)
    assert mode.run(Actor(uuid4()), None) == {"done": 1}  # each person has their own bucket


def test_every_rate_limit_counts_something_that_a_command_has():
    counted = {one.mode.limit.key for one in COMMANDS.values() if one.mode.limit}
    assert counted <= {Key.USER, Key.USER_AND_CHAT}
