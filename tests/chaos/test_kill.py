"""`kill -9` under load: acknowledged messages are stored once and without gaps."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from apps.accounts.services.login import device_sign_in
from apps.chats.models import Chat
from apps.chats.services.groups import group_create
from apps.messages.models import Message
from messenger.core.models import OutboxEvent
from tests.conftest import DEVICE
from tests.factories import UserFactory
from tests.web import Client, WebProcess

CLIENTS = 20
GONE = (ConnectionClosed, InvalidHandshake, OSError, TimeoutError)


class Sender(threading.Thread):
    """Sends until `stop`; repeats messages without an ack under the same id."""

    def __init__(self, port: int, token: str, chat_id: Any, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.port, self.token, self.chat_id, self.stop = port, token, chat_id, stop
        self.acked: dict[str, int] = {}
        self.seen: dict[str, int] = {}
        self.order: list[int] = []
        self.reconnects = 0

    def run(self) -> None:
        pending: str | None = None
        while not self.stop.is_set():
            try:
                client = Client(self.port, self.token, open_timeout=5)
                client.ready()
                self.take(client.seen)
                while not self.stop.is_set():
                    pending = pending or str(uuid4())
                    ack = client.say(self.chat_id, "still here", message_id=pending)
                    self.take(client.seen)
                    if ack["type"] == "ack":
                        self.acked[pending] = ack["seq"]
                        self.seen[pending] = ack["seq"]  # an ack is not a delivery
                        pending = None
            except GONE:
                self.reconnects += 1
                time.sleep(0.05)

    def take(self, frames: list[dict[str, Any]]) -> None:
        for frame in frames:
            if frame["type"] == "message" and frame["id"] not in self.seen:
                self.seen[frame["id"]] = frame["seq"]
                self.order.append(frame["seq"])
        frames.clear()


@pytest.mark.django_db(transaction=True)
def test_no_acknowledged_message_is_lost_when_the_web_process_is_killed(django_db_setup):
    kills = 2  # test_faults.py has more kills and other faults
    people = [UserFactory() for _ in range(CLIENTS)]
    chats = [
        group_create(actor_id=five[0].id, title="Five", member_ids=[one.id for one in five[1:]])
        for five in (people[start : start + 5] for start in range(0, CLIENTS, 5))
    ]
    web, stop = WebProcess(LIMITS_SCALE="1000"), threading.Event()
    senders = [
        Sender(web.port, device_sign_in(user=one, device=DEVICE).access, chats[n // 5].id, stop)
        for n, one in enumerate(people)
    ]
    for sender in senders:
        sender.start()
    for _ in range(kills):
        time.sleep(1)
        web.kill()
        web.start()
    time.sleep(1)
    stop.set()
    for sender in senders:
        sender.join(15)
    web.stop()

    acked = {message_id: seq for sender in senders for message_id, seq in sender.acked.items()}
    stored = {str(m.id): m.seq for m in Message.objects.all()}
    told = Counter(
        OutboxEvent.objects.filter(event_type="message.sent").values_list("payload__id", flat=True)
    )
    print(
        f"{kills} kills, {sum(s.reconnects for s in senders)} reconnects, {len(acked)} acked, "
        f"{len(stored)} stored, {len(stored) - len(acked)} stored without an ack"
    )
    assert len(acked) > 20 * kills
    assert acked.items() <= stored.items()
    assert len(stored) - len(acked) <= CLIENTS  # at most one per client was unanswered at the end
    assert told == Counter(stored.keys())
    for chat in chats:
        seqs = Message.objects.filter(chat=chat).order_by("seq").values_list("seq", flat=True)
        assert list(seqs) == list(range(1, Chat.objects.get(pk=chat.pk).last_seq + 1))
    for sender in senders:  # received messages are stored, with the same seq
        assert sender.seen.items() <= stored.items()
        assert sender.order == sorted(sender.order)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM messaging_message GROUP BY chat_id, seq HAVING count(*) > 1"
        )
        assert cursor.fetchall() == []
