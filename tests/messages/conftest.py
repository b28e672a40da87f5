"""Alice and bob's direct chat, and a short way to send messages to it."""

from __future__ import annotations

import pytest

from apps.chats.services.direct import chat_open_direct
from apps.messages.services.send import message_send
from tests.messages.page_stage import Cast, set_stage


@pytest.fixture
def chat(alice, bob):
    """The direct chat of alice and bob."""
    return chat_open_direct(actor_id=alice.id, user_id=bob.id)[0]


@pytest.fixture
def cast(alice, bob, charlie) -> Cast:
    """The stage of the tests of page actions."""
    return set_stage(alice, bob, charlie)


@pytest.fixture
def say(chat):
    """`say(alice, "text")` → the message's wire shape."""

    def send(sender, text, **fields):
        fields.setdefault("chat_id", chat.id)
        return message_send(sender_id=sender.id, text=text, **fields).message

    return send
