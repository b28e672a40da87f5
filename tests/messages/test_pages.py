"""The chat pages: queries that do not grow, positions, and every action of every form."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.chats.models import Chat
from apps.chats.services.direct import chat_open_direct
from apps.chats.services.groups import group_create
from apps.messages.pages.bubbles import bubbles
from apps.messages.services.send import message_send
from tests.factories import PASSWORD, UserFactory


def browser(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def hers(alice) -> Client:
    client = browser(alice)
    client.get("/")
    return client


@pytest.fixture
def direct(alice, bob) -> Chat:
    return chat_open_direct(actor_id=alice.id, user_id=bob.id)[0]


@pytest.fixture
def group(alice, bob) -> Chat:
    return group_create(actor_id=alice.id, title="Group", member_ids=[bob.id])


def fill(alice, chats: int, messages: int = 1) -> None:
    for _ in range(chats):
        other = UserFactory()
        chat = chat_open_direct(actor_id=alice.id, user_id=other.id)[0]
        group = group_create(actor_id=other.id, title="Group", member_ids=[alice.id])
        for number in range(messages):
            message_send(sender_id=other.id, chat_id=chat.id, text=f"Text {number}")
            message_send(sender_id=other.id, chat_id=group.id, text=f"Text {number}")


def test_the_chat_list_costs_the_same_for_two_chats_and_twenty(
    hers, alice, django_assert_max_num_queries
):
    fill(alice, 2)
    with django_assert_max_num_queries(10) as few:
        hers.get("/")
    fill(alice, 10)
    with django_assert_max_num_queries(len(few)):
        hers.get("/")


def test_a_conversation_costs_the_same_for_two_messages_and_sixty(
    hers, bob, direct, django_assert_max_num_queries
):
    for _ in range(2):
        message_send(sender_id=bob.id, chat_id=direct.id, text="Text")
    with django_assert_max_num_queries(20) as few:
        hers.get(f"/chats/{direct.id}/")
    for _ in range(60):
        message_send(sender_id=bob.id, chat_id=direct.id, text="Text")
    with django_assert_max_num_queries(len(few)):
        hers.get(f"/chats/{direct.id}/")


def test_a_notice_is_shown_once(alice):
    client = Client()
    client.post("/accounts/login/", {"login": "alice", "password": PASSWORD})
    client.post("/accounts/email/", {"action_send": "", "email": alice.email})
    assert alice.email.encode() in client.get("/").content
    assert alice.email.encode() not in client.get("/chats/new/").content


def test_a_chat_with_many_unread_messages_opens_at_the_first_of_them(hers, bob, direct):
    for number in range(120):
        message_send(sender_id=bob.id, chat_id=direct.id, text=f"Text {number}")
    page = hers.get(f"/chats/{direct.id}/")
    assert page.context["newer_than"]
    assert [row["seq"] for row in page.context["rows"] if row["fresh"]] == [1]


@pytest.mark.parametrize("query", ["before=x", "before=9" * 30, "around=-1", "after=", "reply=x"])
def test_an_invalid_position_shows_the_newest_messages(hers, alice, direct, query):
    message_send(sender_id=alice.id, chat_id=direct.id, text="Text")
    assert len(hers.get(f"/chats/{direct.id}/?{query}").context["rows"]) == 1


def test_messages_of_one_sender_within_five_minutes_form_a_group(alice, bob):
    start = timezone.now() - timedelta(days=3)

    def item(seq, sender, minutes):
        at = start + timedelta(minutes=minutes)
        nothing = dict.fromkeys(("read_at", "delivered_at", "deleted_at", "reply_to"))
        nothing["mentions"] = []
        return {"id": seq, "seq": seq, "sender_id": sender.id, "created_at": at, **nothing}

    items = [item(1, bob, 0), item(2, bob, 4), item(3, bob, 10), item(4, alice, 11)]
    rows = bubbles(items, viewer_id=alice.id, people={}, quoted={}, fresh_after=2)
    assert [(row["first"], row["last"], row["fresh"]) for row in rows] == [
        (True, False, False),
        (False, True, False),
        (True, True, True),
        (True, True, False),
    ]
