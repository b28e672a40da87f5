"""The chats and people of the authority matrix, and what has changed in a chat."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services.blocks import user_block, user_unblock
from apps.chats.models import Chat, Participant
from apps.chats.services.direct import chat_open_direct
from apps.chats.services.groups import group_create
from apps.chats.services.participants import (
    participant_remove,
    participant_set_role,
    participants_add,
)
from apps.messages.models import Message
from apps.messages.services.change import message_delete
from apps.messages.services.send import message_send
from messenger.core.models import OutboxEvent
from tests.factories import UserFactory

NAMES = (
    *("owner", "admin", "admin2", "member", "member2", "newcomer", "former", "outsider"),
    *("person", "blocker", "blocked", "other", "stranger"),
)


@dataclass
class Stage:
    """The people, who stay the same, and one chat with messages of each viewer.

    Group: `owner`, `admin`, `member`; `former` was removed; `newcomer` joined after the first
    message and sees no earlier one; `outsider` and `stranger` were never in.
    Direct: `person`, `blocker` (has blocked the other one) or `blocked` (was blocked by the other
    one), each with `other`.
    """

    people: dict[str, User]
    chat: Chat
    messages: dict[tuple[str, str], UUID] = field(default_factory=dict)  # (viewer, object)

    def target(self, viewer: str, name: str) -> User:
        """The person acted upon: another one of the same role where the viewer has it too."""
        return self.people[f"{name}2" if name == viewer else name]

    def snapshot(self) -> dict[str, Any]:
        """The chat's rows, with names for people's ids and `seq`s for messages' ids."""
        names = {user.id: name for name, user in self.people.items()}
        chat = Chat.objects.filter(pk=self.chat.pk).values("title", "last_seq", "last_rev").first()
        participants = Participant.objects.filter(chat=self.chat.pk)
        messages = Message.objects.filter(chat=self.chat.pk)
        return {
            "chat": chat,
            "participants": {
                names[row.user_id]: (row.role, row.left_at is None, row.read_seq)
                for row in participants
            },
            "messages": {
                row.seq: (names[row.sender_id], row.text, row.deleted_at is None)
                for row in messages
            },
        }


def people(prefix: str = "") -> dict[str, User]:
    """Everybody who appears on a stage."""
    return {name: UserFactory(username=f"{prefix}{name}") for name in NAMES}


def group(cast: dict[str, User]) -> Stage:
    """A group with its six viewers and their messages."""
    inside = ("admin", "admin2", "member", "member2", "former")
    owner = cast["owner"].id
    chat = group_create(actor_id=owner, title="Group", member_ids=[cast[one].id for one in inside])
    for admin in ("admin", "admin2"):
        participant_set_role(actor_id=owner, chat_id=chat.id, user_id=cast[admin].id, role="admin")
    stage = Stage(cast, chat)
    hidden = say(stage, "member2", "hidden")
    participants_add(actor_id=owner, chat_id=chat.id, user_ids=[cast["newcomer"].id])
    viewers = ("owner", "admin", "member", "newcomer", "former", "outsider")
    write_messages(stage, [one for one in viewers if one != "outsider"], others="member2")
    participant_remove(actor_id=owner, chat_id=chat.id, user_id=cast["former"].id)
    others = say(stage, "member2", "others")
    for viewer in viewers:
        stage.messages[viewer, "hidden"] = hidden
        stage.messages[viewer, "others"] = others
    return fresh(stage)


def direct(cast: dict[str, User], viewer: str) -> Stage:
    """A direct chat with `other`, in which the viewer is what their name says."""
    inside = "person" if viewer == "outsider" else viewer
    one, other = cast[inside].id, cast["other"].id
    stage = Stage(cast, chat_open_direct(actor_id=one, user_id=other)[0])
    for actor, blocked in ((one, other), (other, one)):  # what an earlier stage left
        user_unblock(actor_id=actor, user_id=blocked)
    write_messages(stage, [inside], others="other")
    stage.messages[viewer, "others"] = say(stage, "other", "others")
    if viewer == "blocker":
        user_block(actor_id=one, user_id=other)
    elif viewer == "blocked":
        user_block(actor_id=other, user_id=one)
    return fresh(stage)


def write_messages(stage: Stage, viewers: list[str], others: str) -> None:
    """Messages of each viewer: a recent one, a deleted one, and one past the edit window."""
    for viewer in viewers:
        for kind in ("own", "deleted", "late"):
            stage.messages[viewer, kind] = say(stage, viewer, f"{kind} of {viewer}")
        message_delete(
            actor_id=stage.people[viewer].id, message_id=stage.messages[viewer, "deleted"]
        )
        age = timedelta(seconds=settings.MESSAGE_EDIT_WINDOW + 60)
        late = Message.objects.filter(pk=stage.messages[viewer, "late"])
        late.update(created_at=timezone.now() - age)


def say(stage: Stage, name: str, text: str) -> UUID:
    """Send a message; returns its id."""
    sent = message_send(sender_id=stage.people[name].id, chat_id=stage.chat.id, text=text)
    message_id: UUID = sent.message["id"]
    return message_id


def fresh(stage: Stage) -> Stage:
    """The stage with the chat as it is stored now."""
    stage.chat.refresh_from_db()
    return stage


def events_since(last_id: int) -> list[str]:
    """The types of the events emitted after an outbox id."""
    rows = OutboxEvent.objects.filter(pk__gt=last_id).order_by("pk")
    return list(rows.values_list("event_type", flat=True))


def last_event_id() -> int:
    """The newest outbox id."""
    return OutboxEvent.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
