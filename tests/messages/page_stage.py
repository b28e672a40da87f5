"""The people, chats and addresses that the tests of page actions share."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from apps.chats.services.direct import chat_open_direct
from apps.chats.services.groups import group_create
from apps.messages.services.send import message_send
from tests.factories import UserFactory

GENERAL = ("chat-open", "group-create", "group-search", "notifications-read")
Cast = SimpleNamespace


def browser(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def address(cast: Cast, route: str) -> str:
    """The route's address in the group, in the direct chat where it is about a person."""
    if route.startswith("message-"):
        chat, message = (cast.direct, cast.his) if route != "message-send" else (cast.group, None)
        return reverse(route, args=[chat.id, message] if message else [chat.id])
    if route in GENERAL:
        return reverse(route)
    chat = cast.direct if "block" in route else cast.group
    return reverse(route, args=[chat.id])


def notices_of(answer: Any) -> list[str]:
    return [str(one) for one in get_messages(answer.wsgi_request)]


def set_stage(alice: Any, bob: Any, charlie: Any) -> Cast:
    """Alice's group with bob, their direct chat, and a message of each in both."""
    dora = UserFactory(username="dora")
    group = group_create(actor_id=alice.id, title="Group", member_ids=[bob.id])
    direct = chat_open_direct(actor_id=alice.id, user_id=bob.id)[0]
    sent = {
        (chat, who.username): message_send(sender_id=who.id, chat_id=room.id, text="Text")
        for chat, room in (("group", group), ("direct", direct))
        for who in (alice, bob)
    }
    ids = {key: one.message["id"] for key, one in sent.items()}
    return Cast(
        alice=alice,
        bob=bob,
        charlie=charlie,
        dora=dora,
        group=group,
        direct=direct,
        his=ids["direct", "bob_m"],
    )
