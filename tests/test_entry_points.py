"""One table of inputs through every entry point: REST, socket, broker and page answer alike.

tests/authority compares who may do what; this module compares inputs.
"""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client as Browser

from apps.accounts.services.login import device_sign_in
from apps.chats.models import Chat
from apps.chats.services.direct import chat_open_direct
from apps.messages.commands.broker import commands_do
from apps.messages.models import Message
from apps.messages.services.send import message_send
from messenger.core.brokers import Received
from tests.authority.entry_points import shown_refusal
from tests.conftest import DEVICE, Api
from tests.web import Client, WebProcess

pytestmark = pytest.mark.django_db(transaction=True)
Fields = dict[str, Any]
NEW, EARLIER, OTHERS = "a new id", "the id of alice's earlier message", "the id of bob's message"

# Alice's input → the error's code, or the stored text.
SEND: list[tuple[str, Fields, str]] = [
    ("plain", {"text": "hello"}, "hello"),
    ("surrounding white space is removed", {"text": "  hello \n"}, "hello"),
    ("as long as may be", {"text": "x" * 5000}, "x" * 5000),
    ("too long", {"text": "x" * 5001}, "invalid_input"),
    ("empty", {"text": ""}, "invalid_input"),
    ("only white space", {"text": " \n "}, "invalid_input"),
    ("NUL", {"text": "a\0b"}, "invalid_input"),
    ("a retry keeps the first text", {"text": "again", "message_id": EARLIER}, "earlier"),
    ("somebody else's id", {"text": "mine", "message_id": OTHERS}, "message_id_conflict"),
    ("a reply", {"text": "yes", "reply_to": OTHERS}, "yes"),
    ("a reply to nothing", {"text": "yes", "reply_to": NEW}, "invalid_input"),
]
EDIT: list[tuple[str, Fields, str]] = [
    ("plain", {"text": "new"}, "new"),
    ("surrounding white space is removed", {"text": " new "}, "new"),
    ("the same text", {"text": "earlier"}, "earlier"),
    ("empty", {"text": " "}, "invalid_input"),
    ("too long", {"text": "x" * 5001}, "invalid_input"),
    ("NUL", {"text": "a\0b"}, "invalid_input"),
]


class Scene:
    """A chat of alice and bob for one input through one entry point, with a message of each."""

    def __init__(self, alice, bob, chat: Chat) -> None:
        self.alice, self.chat = alice, chat
        self.earlier, self.others = uuid4(), uuid4()
        message_send(sender_id=alice.id, chat_id=chat.id, text="earlier", message_id=self.earlier)
        message_send(sender_id=bob.id, chat_id=chat.id, text="others", message_id=self.others)

    def fields(self, fields: Fields) -> Fields:
        """The fields with real ids."""
        ids = {NEW: uuid4(), EARLIER: self.earlier, OTHERS: self.others}
        return {name: str(ids.get(value, value)) for name, value in fields.items()}


def by_rest(scene: Scene, action: str, fields: Fields, web: WebProcess) -> str:
    client = Api().sign_in(scene.alice)
    if action == "send":
        answer = client.post("/messages", {"chat_id": str(scene.chat.id), **fields})
    else:
        answer = client.patch(f"/messages/{scene.earlier}", fields)
    return "" if answer.status_code < 300 else answer.json()["code"]


def by_socket(scene: Scene, action: str, fields: Fields, web: WebProcess) -> str:
    client = Client(web.port, device_sign_in(user=scene.alice, device=DEVICE).access)
    client.ready()
    if action == "send":
        client.send("message", **{"chat_id": scene.chat.id, "message_id": uuid4(), **fields})
    else:
        client.send("edit_message", message_id=scene.earlier, **fields)
    answer = client.wait_for_any("ack", "error")
    client.close()
    return answer.get("code", "")


def by_broker(scene: Scene, action: str, fields: Fields, web: WebProcess) -> str:
    topic = f"message.{action}"
    address = {"chat_id": scene.chat.id} if action == "send" else {"message_id": scene.earlier}
    envelope = {
        "event_id": uuid4(),
        "event_type": topic,
        "payload": {**address, **fields},
        "metadata": {"actor_id": scene.alice.id},
    }
    refused = commands_do([Received(topic, "", json.dumps(envelope, default=str).encode())])
    return refused[0][1].partition(":")[0] if refused else ""


def by_page(scene: Scene, action: str, fields: Fields, web: WebProcess) -> str:
    browser = Browser()
    browser.force_login(scene.alice)
    path = f"/chats/{scene.chat.id}/"
    path += "send/" if action == "send" else f"messages/{scene.earlier}/edit/"
    answer = browser.post(path, fields)
    if answer.status_code == 400:  # the form again, with its errors or the refusal's text
        return "invalid_input"
    code = shown_refusal(answer)
    return "" if code == "ok" else code


@pytest.fixture(scope="module")
def web(django_db_setup, django_db_blocker):
    """A web process without rate limits."""
    with django_db_blocker.unblock():
        process = WebProcess(LIMITS_SCALE="10000")
    yield process
    process.stop()


@pytest.mark.parametrize("entry_point", [by_rest, by_socket, by_broker, by_page])
@pytest.mark.parametrize(("action", "table"), [("send", SEND), ("edit", EDIT)])
def test_every_entry_point_answers_alike(entry_point, action, table, alice, bob, web, settings):
    settings.LIMITS_SCALE = 10_000
    chat = chat_open_direct(actor_id=alice.id, user_id=bob.id)[0]
    for case, fields, expected in table:
        scene = Scene(alice, bob, chat)
        before = Message.objects.count()
        code = entry_point(scene, action, scene.fields(fields), web)
        new = Message.objects.count() - before
        if code:
            assert (code, new) == (expected, 0), case
            assert Message.objects.get(pk=scene.earlier).text == "earlier", case
            continue
        is_new = action == "send" and "message_id" not in fields
        assert new == int(is_new), case
        stored = Message.objects.filter(chat=chat).order_by("-seq").first()
        assert stored is not None
        message_id: UUID = stored.pk if is_new else scene.earlier
        assert Message.objects.get(pk=message_id).text == expected, case
