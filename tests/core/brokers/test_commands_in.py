"""Commands from each broker are executed once and in order, also after crashes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from apps.accounts.models import User
from apps.chats.models import Participant
from apps.chats.services.direct import chat_open_direct
from apps.messages.commands.broker import TOPICS, commands_do
from apps.messages.management.commands.consume_commands import GROUP
from apps.messages.models import Message, MessageEdit
from apps.messages.services.send import message_send
from messenger.core.brokers import Received, Record, dead_letter_topic
from tests.factories import UserFactory
from tests.web import ROOT, database_url

pytestmark = pytest.mark.django_db(transaction=True)


def command(kind: str, actor_id: UUID, event_id: UUID | None = None, **payload: Any) -> bytes:
    envelope = {
        "event_id": event_id or uuid4(),
        "event_type": kind,
        "payload": payload,
        "metadata": {"actor_id": actor_id},
    }
    return json.dumps(envelope, default=str).encode()


def received(kind: str, actor_id: UUID, **payload: Any) -> Received:
    return Received(kind, "", command(kind, actor_id, **payload))


class Consumer:
    """`manage.py consume_commands` in a process of its own."""

    def __init__(self, broker_server) -> None:
        self.env = {
            **os.environ,
            **broker_server.settings,
            "EVENT_BROKER_TYPE": broker_server.kind,
            "DATABASE_URL": database_url(),
            "LOG_LEVEL": "ERROR",
        }
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "consume_commands", "--skip-checks"],
            cwd=ROOT,
            env=self.env,
        )


@pytest.fixture
def consumer(broker_server, broker) -> Iterator[Consumer]:
    broker.subscribe(TOPICS, GROUP).close()  # RabbitMQ holds only what a queue is there for
    made = Consumer(broker_server)
    yield made
    made.process.terminate()
    assert made.process.wait(15) in {0, -signal.SIGTERM}  # the latter if it had not yet begun


def until(done: Callable[[], bool], seconds: float = 40) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "not done in time"
        time.sleep(0.1)


@pytest.fixture
def chat(alice, bob):
    return chat_open_direct(actor_id=alice.id, user_id=bob.id)[0]


def test_commands_are_executed_and_invalid_ones_become_dead_letters(
    alice, bob, charlie, chat, consumer, broker
):
    ids = [uuid4() for _ in range(3)]
    said = (
        {"message_id": ids[0], "text": "one"},
        {"message_id": ids[1], "text": "two"},
        {"message_id": ids[2], "text": "three", "reply_to": ids[0]},
    )
    bodies = [command("message.send", alice.id, chat_id=chat.id, **fields) for fields in said]
    records = [Record("message.send", str(chat.id), body) for body in bodies]
    outside = command("message.send", charlie.id, chat_id=chat.id, text="let me in")
    records += [
        Record("message.send", str(chat.id), outside),
        Record("message.send", str(chat.id), b"{"),
    ]
    broker.publish(records)
    until(lambda: Message.objects.count() == 3)
    assert list(Message.objects.order_by("seq").values_list("id", flat=True)) == ids
    broker.publish(
        [
            Record(kind, str(chat.id), command(kind, who.id, **payload))
            for kind, who, payload in (
                ("message.edit", alice, {"message_id": ids[0], "text": "first"}),
                ("message.delete", alice, {"message_id": ids[1]}),
                ("message.read", bob, {"message_id": ids[2]}),
                ("message.delete", bob, {"message_id": ids[0]}),  # not his
            )
        ]
    )
    until(lambda: Message.objects.filter(read_at__isnull=False).count() == 3)
    until(lambda: Message.objects.filter(id=ids[0], text="first").exists())
    until(lambda: Message.objects.filter(id=ids[1], deleted_at__isnull=False).exists())
    dead = broker.subscribe([dead_letter_topic(topic) for topic in TOPICS], f"{GROUP}.dead")
    found: dict[bytes, str] = {}

    def all_found() -> bool:
        for one in dead.poll(10, 0.5):
            found[one.body] = one.headers["reason"].partition(":")[0]
        dead.commit()
        return len(found) >= 3

    until(all_found)
    dead.close()
    assert (found[outside], found[b"{"]) == ("not_found", "invalid_input")
    assert sorted(found.values()) == ["invalid_input", "not_author", "not_found"]


def test_killed_consumer_neither_loses_nor_repeats_commands(alice, bob, chat, consumer, broker):
    ids = [uuid4() for _ in range(300)]
    for start in range(0, 300, 150):
        broker.publish(
            [
                Record(
                    "message.send",
                    str(chat.id),
                    # Without a message_id: the command's own id is the message's.
                    command("message.send", alice.id, one, chat_id=chat.id, text=f"m{one}"),
                )
                for one in ids[start : start + 150]
            ]
        )
        until(lambda: Message.objects.count() > start // 2)  # noqa: B023
        consumer.process.kill()
        consumer.process.wait()
        consumer.start()
    until(lambda: Message.objects.count() >= 300, 90)
    rows = Message.objects.order_by("seq").values_list("id", "seq")
    assert list(rows) == [(one, broker_server + 1) for broker_server, one in enumerate(ids)]


@pytest.mark.usefixtures("transactional_db")
class TestDoing:
    """Without a broker: what one batch does."""

    def test_repeated_command_is_executed_once(self, alice, bob, chat):
        said = message_send(sender_id=alice.id, chat_id=chat.id, text="one").message
        edits = [
            received("message.edit", alice.id, message_id=said["id"], text=text)
            for text in ("two", "three")
        ]
        sends = [received("message.send", alice.id, chat_id=chat.id, text="x")] * 2
        for _ in range(3):
            assert commands_do([*edits, *sends]) == []
        assert Message.objects.get(id=said["id"]).text == "three"
        assert MessageEdit.objects.count() == 2
        assert Message.objects.count() == 2

    def test_read_moves_the_cursor_by_message_or_by_seq(self, alice, bob, chat):
        said = [message_send(sender_id=alice.id, chat_id=chat.id, text="x").message for _ in "ab"]
        assert commands_do([received("message.read", bob.id, message_id=said[0]["id"])]) == []
        assert Participant.objects.get(user=bob).read_seq == 1
        assert commands_do([received("message.read", bob.id, chat_id=chat.id, seq=2)]) == []
        assert Participant.objects.get(user=bob).read_seq == 2

    @pytest.mark.parametrize(
        ("kind", "payload", "code"),
        [
            ("message.send", {"text": "x"}, "invalid_input"),
            ("message.send", {"chat_id": "CHAT", "text": ""}, "invalid_input"),
            ("message.send", {"chat_id": "CHAT", "text": "a\0b"}, "invalid_input"),
            (
                "message.send",
                {"chat_id": "CHAT", "text": "x", "by": "CHAT"},
                "invalid_input",
            ),
            ("message.edit", {"message_id": "CHAT", "text": "x"}, "not_found"),
            ("message.delete", {"message_id": "CHAT"}, "not_found"),
            ("message.read", {"message_id": "CHAT", "chat_id": "CHAT", "seq": 1}, "invalid_input"),
            ("message.read", {"chat_id": "CHAT"}, "invalid_input"),
        ],
    )
    def test_refused_command_names_the_reason_and_has_no_effect(
        self, alice, bob, chat, kind, payload, code
    ):
        payload = {name: chat.id if one == "CHAT" else one for name, one in payload.items()}
        good = received("message.send", alice.id, chat_id=chat.id, text="good")
        bad = received(kind, alice.id, **payload)
        ((refused, reason),) = commands_do([bad, good])
        assert refused is bad
        assert reason.partition(":")[0] == code
        assert [message.text for message in Message.objects.all()] == ["good"]

    @pytest.mark.parametrize(
        "body", [b"", b"\xff", b"[]", b"{}", b'{"event_id":1}', b"[" * 30_000, b'"message.send"']
    )
    def test_malformed_command_is_refused(self, body, transactional_db):
        ((_, reason),) = commands_do([Received("message.send", "", body)])
        assert reason.startswith("invalid_input")

    def test_inactive_actor_and_mismatched_topic_are_refused(self, alice, bob, chat):
        wrong = Received(
            "message.send", "", command("message.delete", alice.id, message_id=uuid4())
        )
        assert [reason.partition(":")[0] for _, reason in commands_do([wrong])] == ["invalid_input"]
        User.objects.filter(id=alice.id).update(is_active=False)
        sent = received("message.send", alice.id, chat_id=chat.id, text="from the beyond")
        assert [reason.partition(":")[0] for _, reason in commands_do([sent])] == [
            "not_authenticated"
        ]
        assert Message.objects.count() == 0

    def test_rate_limits_do_not_apply(self, alice, bob, chat, settings):
        settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, (0, 0.001))
        newcomer = UserFactory()
        known = [received("message.send", alice.id, chat_id=chat.id, text=f"{n}") for n in range(3)]
        first = received("message.send", alice.id, recipient_id=newcomer.id, text="hi")
        assert commands_do([*known, first]) == []
        assert Message.objects.count() == 4

    def test_first_message_to_a_person_opens_the_chat(self, alice, bob):
        assert (
            commands_do([received("message.send", alice.id, recipient_id=bob.id, text="hi")]) == []
        )
        assert Message.objects.get().chat.kind == "direct"


def test_refused_commands_are_refused_again_when_redelivered(alice, bob, charlie):
    chat = chat_open_direct(actor_id=alice.id, user_id=bob.id)[0]
    said = message_send(sender_id=alice.id, chat_id=chat.id, text="Ours").message["id"]
    commands = [
        received("message.send", charlie.id, chat_id=chat.id, text="Let me in"),
        received("message.send", uuid4(), chat_id=chat.id, text="From nobody"),
        received("message.delete", charlie.id, message_id=said),
        received("message.delete", uuid4(), message_id=said),
        received("message.send", bob.id, chat_id=chat.id, text="Once"),
    ]
    first, again = (
        sorted((one.topic, reason.partition(":")[0]) for one, reason in commands_do(commands))
        for _ in range(2)
    )
    assert first == again
    assert len(first) == 4
    assert Message.objects.filter(text="Once").count() == 1
