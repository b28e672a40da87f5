"""A client that follows the protocol reaches the server's state, although frames are lost, repeated
or reordered and connections break."""

from __future__ import annotations

import itertools
import random
import time
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from apps.accounts.services.login import device_sign_in
from apps.chats.services.direct import chat_open_direct
from apps.messages.models import Message
from apps.messages.services.change import message_delete, message_edit
from apps.messages.services.send import SendRequest, message_send, messages_send
from messenger.core.ids import new_id
from tests.conftest import DEVICE, Api
from tests.factories import UserFactory
from tests.mirror import Chat, Mirror
from tests.web import Client

pytestmark = pytest.mark.django_db(transaction=True)

number = itertools.count()


class Device(RuleBasedStateMachine):
    """Bob's device on an unreliable connection, while alice and bob write, edit and delete."""

    ports: tuple[int, int]

    @initialize()
    def begin(self) -> None:
        self.alice, self.bob = UserFactory(), UserFactory()
        self.chat, _ = chat_open_direct(actor_id=self.alice.id, user_id=self.bob.id)
        self.token = device_sign_in(user=self.bob, device=DEVICE).access
        self.mirror = Mirror()
        self.client: Client | None = None
        self.unsure: list[tuple[str, str]] = []  # sent, and no ack has come

    @rule(many=st.integers(1, 4))
    def alice_writes(self, many: int) -> None:
        for _ in range(many):
            message_send(sender_id=self.alice.id, chat_id=self.chat.id, text=f"a{next(number)}")

    @rule()
    def alice_writes_more_than_a_replay_holds(self) -> None:
        if Message.objects.filter(chat_id=self.chat.id).count() < 600:
            messages_send(
                [SendRequest(self.alice.id, self.chat.id, new_id(), "many") for _ in range(510)]
            )

    @rule(pick=st.floats(0, 1), deletes=st.booleans())
    def alice_changes(self, pick: float, deletes: bool) -> None:
        hers = Message.objects.filter(
            chat_id=self.chat.id, sender_id=self.alice.id, deleted_at=None
        ).order_by("seq")
        if not hers:
            return
        message = hers[int(pick * (len(hers) - 1))]
        if deletes:
            message_delete(actor_id=self.alice.id, message_id=message.id)
        else:
            text = f"e{next(number)}"
            message_edit(actor_id=self.alice.id, message_id=message.id, text=text)

    @precondition(lambda self: self.client is None)
    @rule(at=st.integers(0, 1))
    def connect(self, at: int) -> None:
        self.client = Client(self.ports[at], self.token)
        self.asking = False
        self._sync(list(self.mirror.chats))
        for message_id, text in self.unsure:
            self._write(message_id, text)

    @precondition(lambda self: self.client is not None)
    @rule()
    def bob_writes(self) -> None:
        self.unsure.append((str(uuid4()), f"b{next(number)}"))
        self._write(*self.unsure[-1])

    @precondition(lambda self: self.client is not None)
    @rule(seed=st.integers(0, 2**32))
    def some_arrive_somehow(self, seed: int) -> None:
        assert self.client is not None
        chance = random.Random(seed)
        late: list[dict[str, Any]] = []
        for frame in self.client.quiet(0.05):  # some frames: which of them is a matter of chance
            fate = chance.choice(["lost", "twice", "later", "fine", "fine", "fine"])
            if self.asking:  # a connection delivers an answer whole, in order, or breaks
                fate = "fine"
            if fate == "later":
                late.append(frame)
            elif fate != "lost":
                for _ in range(2 if fate == "twice" else 1):
                    self._take(frame)
        for frame in late:
            self._take(frame)

    @precondition(lambda self: self.client is not None)
    @rule()
    def the_line_is_cut(self) -> None:
        assert self.client is not None
        self.client.close()
        self.client = None

    def teardown(self) -> None:
        """Catch up on one undisturbed connection: `sync`, and REST after a `resync`."""
        if not hasattr(self, "chat"):
            return
        if self.client is not None:
            self.the_line_is_cut()
        self.client = Client(self.ports[0], self.token)
        self.asking = False
        for message_id, text in self.unsure:
            self._write(message_id, text)
        self.mirror.chats.setdefault(str(self.chat.id), Chat())
        self._sync([str(self.chat.id)])
        # Processed after the messages before it: then those are stored, or refused.
        unknown = {"message_id": uuid4(), "chat_id": uuid4(), "text": "marker"}
        self._settle(self.client.frames_until_answer("message", **unknown))
        # Published after alice's other frames, some of which may still be on their way.
        marker = message_send(sender_id=self.alice.id, chat_id=self.chat.id, text="marker").message
        self.client.seen.clear()
        last = self.client.wait("message", timeout=15, id=marker["id"])
        self._settle([*self.client.seen, last])
        self.client.close()
        stored = Message.objects.filter(chat_id=self.chat.id).order_by("seq")
        chat = self.mirror.chats.get(str(self.chat.id))
        held = chat.held if chat else {}
        assert [(m.seq, str(m.id), m.text, m.rev, m.deleted_at is None) for m in stored] == [
            (seq, m["id"], m["text"], m["rev"], m["deleted_at"] is None)
            for seq, m in sorted(held.items())
        ]
        assert not chat or chat.shown == sorted(chat.shown)
        ids = {str(message.id) for message in stored}
        assert {message_id for message_id, _ in self.unsure} <= ids

    def _settle(self, frames: list[dict[str, Any]]) -> None:
        """Take these frames and what follows, until no `sync` is open and no frame arrives."""
        assert self.client is not None
        end = time.monotonic() + 30
        while frames or self.asking:
            assert time.monotonic() < end, "the sync was not answered"
            for frame in frames:
                if frame["type"] != "ping":
                    self._take(frame)
            frames = self.client.frames_until_answer()

    def _write(self, message_id: str, text: str) -> None:
        assert self.client is not None
        self.client.send("message", message_id=message_id, chat_id=self.chat.id, text=text)

    def _take(self, frame: dict[str, Any]) -> None:
        if frame["type"] == "resync":
            for key in frame["chats"] or [str(self.chat.id)]:
                self._page(key)
        elif frame["type"] == "sync_done":
            if frame.get("ref"):
                self.asking = False
                self._sync(self.mirror.synced(frame))
        else:
            self._sync(self.mirror.take(frame))

    def _sync(self, behind: list[str]) -> None:
        """One question at a time; what its answer leaves open is asked again."""
        if behind and not self.asking:
            assert self.client is not None
            self.asking = True
            positions = self.mirror.positions()
            self.client.send("sync", chats={key: positions[key] for key in behind}, ref="sync")

    def _page(self, key: str) -> None:
        """Read the chat anew, from its beginning."""
        api, seq = Api(), 0
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {self.token}")
        while True:
            body = api.get(f"/messages?chat_id={key}&after_seq={seq}&limit=100").json()
            self.mirror.page(key, body["items"])
            if not body["has_more_after"]:
                return
            seq = body["items"][-1]["seq"]


def test_client_that_follows_the_protocol_reaches_the_servers_state(processes):
    class Here(Device):
        ports = (processes[0].port, processes[1].port)

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=25,
            stateful_step_count=15,
            deadline=None,
            # No shrinking: real processes answer at their own pace, so a failure does not repeat.
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
