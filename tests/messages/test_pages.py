"""The conversation's pages: queries that do not grow, positions, rights."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.chats.services.direct import chat_open_direct
from apps.chats.services.groups import group_create
from apps.messages.models import Message
from apps.messages.pages.bubbles import bubbles
from apps.messages.services.send import message_send
from tests.factories import PASSWORD, UserFactory


@pytest.fixture
def hers(alice) -> Client:
    client = Client()
    client.force_login(alice)
    client.get("/")
    return client


def fill(alice, chats: int, messages: int = 1) -> None:
    for _ in range(chats):
        other = UserFactory()
        chat = chat_open_direct(actor_id=alice.id, user_id=other.id)[0]
        group = group_create(actor_id=other.id, title="Group", member_ids=[alice.id])
        for number in range(messages):
            message_send(sender_id=other.id, chat_id=chat.id, text=f"Text {number}")
            message_send(sender_id=other.id, chat_id=group.id, text=f"Text {number}")


def test_the_list_costs_the_same_for_two_chats_and_twenty(
    hers, alice, django_assert_max_num_queries
):
    fill(alice, 2)
    with django_assert_max_num_queries(10) as few:
        hers.get("/")
    fill(alice, 10)
    with django_assert_max_num_queries(len(few)):
        hers.get("/")


def test_a_conversation_costs_the_same_for_two_messages_and_sixty(
    hers, alice, bob, django_assert_max_num_queries
):
    chat = chat_open_direct(actor_id=alice.id, user_id=bob.id)[0]
    for _ in range(2):
        message_send(sender_id=bob.id, chat_id=chat.id, text="Text")
    with django_assert_max_num_queries(20) as few:
        hers.get(f"/chats/{chat.id}/")
    for _ in range(60):
        message_send(sender_id=bob.id, chat_id=chat.id, text="Text")
    with django_assert_max_num_queries(len(few)):
        hers.get(f"/chats/{chat.id}/")


def test_what_is_to_be_told_is_told_on_the_first_page_and_once(alice):
    client = Client()
    client.post("/accounts/login/", {"login": "alice", "password": PASSWORD})
    client.post("/accounts/email/", {"action_send": "", "email": alice.email})
    assert alice.email.encode() in client.get("/").content
    assert alice.email.encode() not in client.get("/chats/new/").content


def test_many_unread_open_where_the_news_begin(hers, alice, bob):
    chat = chat_open_direct(actor_id=alice.id, user_id=bob.id)[0]
    for number in range(120):
        message_send(sender_id=bob.id, chat_id=chat.id, text=f"Text {number}")
    page = hers.get(f"/chats/{chat.id}/")
    assert page.context["newer_than"]
    assert [row["seq"] for row in page.context["rows"] if row["fresh"]] == [1]


@pytest.mark.parametrize("query", ["before=x", "before=9" * 30, "around=-1", "after=", "reply=x"])
def test_senseless_positions_show_the_newest(hers, alice, bob, query):
    chat = chat_open_direct(actor_id=alice.id, user_id=bob.id)[0]
    message_send(sender_id=alice.id, chat_id=chat.id, text="Text")
    assert len(hers.get(f"/chats/{chat.id}/?{query}").context["rows"]) == 1


def test_only_ones_own_message_can_be_edited(hers, alice, bob):
    chat = chat_open_direct(actor_id=alice.id, user_id=bob.id)[0]
    sent = message_send(sender_id=bob.id, chat_id=chat.id, text="His").message["id"]
    address = f"/chats/{chat.id}/messages/{sent}/"
    assert b"edit-text" not in hers.get(address).content
    assert hers.post(address, {"action": "edit", "text": "Hers"}).status_code == 403
    assert hers.post(address, {"action": "delete"}).status_code == 403
    assert Message.objects.get(pk=sent).text == "His"


def test_a_member_cannot_run_a_group(alice, bob):
    group = group_create(actor_id=alice.id, title="Group", member_ids=[bob.id])
    client = Client()
    client.force_login(bob)
    address = f"/chats/{group.id}/details/"
    for action in ("rename", "add", "remove", "role", "delete"):
        form = {"action": action, "title": "Mine", "user_id": alice.id, "role": "owner"}
        form["member_ids"] = [str(alice.id)]
        assert client.post(address, form).status_code == 403, action
    assert b'value="rename"' not in client.get(address).content
    assert client.post(address, {"action": "leave"}).status_code == 302


def test_messages_of_one_sender_within_five_minutes_form_a_group(alice, bob):
    start = timezone.now() - timedelta(days=3)

    def said(seq, sender, minutes):
        at = start + timedelta(minutes=minutes)
        nothing = dict.fromkeys(("read_at", "delivered_at", "deleted_at", "reply_to"))
        nothing["mentions"] = []
        return {"id": seq, "seq": seq, "sender_id": sender.id, "created_at": at, **nothing}

    items = [said(1, bob, 0), said(2, bob, 4), said(3, bob, 10), said(4, alice, 11)]
    rows = bubbles(items, viewer_id=alice.id, people={}, quoted={}, fresh_after=2)
    assert [(row["first"], row["last"], row["fresh"]) for row in rows] == [
        (True, False, False),
        (False, True, False),
        (True, True, True),
        (True, True, False),
    ]
