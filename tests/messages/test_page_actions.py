"""Every form of the chat pages: allowed, refused, with bad input, and closed to GET."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from apps.accounts.models import Block, Notification
from apps.accounts.services.blocks import user_block
from apps.chats.errors import NotAdmin, NotOwner
from apps.chats.models import Chat, Participant
from apps.chats.services.groups import group_create
from apps.messages.errors import NotAuthor
from apps.messages.models import Message
from apps.messages.services.send import message_send
from apps.messages.tasks import fan_out
from messenger.core.errors import InvalidInput
from messenger.core.models import OutboxEvent
from tests.messages.page_stage import GENERAL, Cast, address, browser, notices_of


def participant(chat: Chat, user: Any) -> Participant:
    return Participant.objects.get(chat=chat, user=user)


def is_in(chat: Chat, user: Any) -> bool:
    return Participant.objects.filter(chat=chat, user=user, left_at=None).exists()


Form = Callable[[Cast], dict[str, Any]]
Check = Callable[[Cast], bool]


def blocked(cast: Cast) -> dict[str, Any]:
    user_block(actor_id=cast.alice.id, user_id=cast.bob.id)
    assert Block.objects.exists()
    return {}


def mentioned(cast: Cast) -> dict[str, Any]:
    message_send(sender_id=cast.bob.id, chat_id=cast.group.id, text="@alice")
    fan_out(list(OutboxEvent.objects.values_list("id", flat=True)))
    newest = Notification.objects.filter(user=cast.alice, read_at=None).latest("seq")
    return {"seq": newest.seq}


# route, the form that alice sends (bob for messages, which are his), what is true afterwards
ALLOWED: list[tuple[str, Form, Check]] = [
    (
        "message-send",
        lambda c: {"text": " Hi\r\nthere "},
        lambda c: Message.objects.filter(chat=c.group, text="Hi\nthere").count() == 1,
    ),
    (
        "message-edit",
        lambda c: {"text": "New"},
        lambda c: Message.objects.get(pk=c.his).text == "New",
    ),
    (
        "message-delete",
        lambda c: {},
        lambda c: Message.objects.get(pk=c.his).deleted_at is not None,
    ),
    (
        "group-update",
        lambda c: {"title": "Choir", "description": "one\r\ntwo"},
        lambda c: Chat.objects.filter(
            pk=c.group.pk, title="Choir", description="one\ntwo"
        ).exists(),
    ),
    ("members-add", lambda c: {"member_ids": [c.dora.id]}, lambda c: is_in(c.group, c.dora)),
    ("member-remove", lambda c: {"user_id": c.bob.id}, lambda c: not is_in(c.group, c.bob)),
    (
        "member-role",
        lambda c: {"user_id": c.bob.id, "role": "admin"},
        lambda c: participant(c.group, c.bob).role == "admin",
    ),
    ("group-leave", lambda c: {}, lambda c: not is_in(c.group, c.alice)),
    ("group-delete", lambda c: {}, lambda c: not Chat.objects.filter(pk=c.group.pk).exists()),
    ("chat-pin", lambda c: {"pinned": "on"}, lambda c: participant(c.group, c.alice).pinned),
    (
        "chat-archive",
        lambda c: {"archived": "on"},
        lambda c: participant(c.group, c.alice).archived,
    ),
    (
        "chat-notify",
        lambda c: {"notify": "mentions"},
        lambda c: participant(c.group, c.alice).notify == "mentions",
    ),
    (
        "chat-mute",
        lambda c: {"period": "8h"},
        lambda c: participant(c.group, c.alice).muted_until is not None,
    ),
    ("chat-block", lambda c: {}, lambda c: Block.objects.filter(blocker=c.alice).exists()),
    ("chat-unblock", blocked, lambda c: not Block.objects.exists()),
    (
        "chat-open",
        lambda c: {"user_id": c.dora.id},
        lambda c: Chat.objects.filter(kind="direct", participants__user=c.dora).exists(),
    ),
    (
        "group-create",
        lambda c: {"title": "Choir", "member_ids": [c.bob.id, c.dora.id, c.bob.id]},
        lambda c: Chat.objects.get(title="Choir").participant_count == 3,
    ),
    (
        "notifications-read",
        mentioned,
        lambda c: not Notification.objects.filter(user=c.alice, read_at=None).exists(),
    ),
]


@pytest.mark.parametrize(("route", "form", "check"), ALLOWED, ids=[one[0] for one in ALLOWED])
def test_an_allowed_action_is_done_and_redirects(cast, route, form, check):
    who = cast.bob if route in ("message-edit", "message-delete") else cast.alice
    answer = browser(who).post(address(cast, route), form(cast))
    assert answer.status_code == 302
    assert check(cast)


# route, the form that a member of the group sends, and the refusal
REFUSED: list[tuple[str, Form, type[Exception]]] = [
    ("group-update", lambda c: {"title": "Mine"}, NotAdmin),
    ("members-add", lambda c: {"member_ids": [c.dora.id]}, NotAdmin),
    ("member-remove", lambda c: {"user_id": c.alice.id}, NotAdmin),
    ("member-role", lambda c: {"user_id": c.bob.id, "role": "owner"}, NotOwner),
    ("group-delete", lambda c: {}, NotOwner),
]


@pytest.mark.parametrize(("route", "form", "refusal"), REFUSED, ids=[one[0] for one in REFUSED])
def test_a_refusal_changes_nothing_and_is_shown_on_the_page_before(cast, route, form, refusal):
    before = list(Participant.objects.order_by("pk").values())
    answer = browser(cast.bob).post(address(cast, route), form(cast))
    assert answer["Location"] == reverse("chat-details", args=[cast.group.id])
    assert notices_of(answer) == [str(refusal.title)]
    assert list(Participant.objects.order_by("pk").values()) == before
    cast.group.refresh_from_db()
    assert cast.group.title == "Group"


@pytest.mark.parametrize("route", ["message-edit", "message-delete"])
def test_another_persons_message_is_left_alone(cast, route):
    answer = browser(cast.alice).post(address(cast, route), {"text": "Hers"})
    assert answer["Location"] == reverse("message-page", args=[cast.direct.id, cast.his])
    assert notices_of(answer) == [str(NotAuthor.title)]
    assert Message.objects.get(pk=cast.his).text == "Text"
    assert b"edit-text" not in browser(cast.alice).get(answer["Location"]).content


def test_a_refusal_is_shown_in_the_persons_language(cast):
    cast.bob.locale = "ru"
    cast.bob.save()
    answer = browser(cast.bob).post(address(cast, "group-delete"))
    with translation.override("ru"):
        assert notices_of(answer) == [str(NotOwner.title)]


OF_A_CHAT = [one[:2] for one in ALLOWED if one[0] not in GENERAL]


@pytest.mark.parametrize(("route", "form"), OF_A_CHAT, ids=[one[0] for one in OF_A_CHAT])
def test_outsiders_get_a_404_for_every_action(cast, route, form):
    assert browser(cast.charlie).post(address(cast, route), form(cast)).status_code == 404


@pytest.mark.parametrize("route", [*(one[0] for one in ALLOWED), "group-search"])
def test_an_action_answers_405_to_get_and_sends_strangers_to_sign_in(cast, route):
    path = address(cast, route)
    answer = browser(cast.alice).get(path)
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    stranger = Client().post(path)
    assert stranger["Location"].startswith("/accounts/login/")


# route, a form that only a forged or an outdated page sends
FORGED: list[tuple[str, dict[str, Any]]] = [
    ("members-add", {}),
    ("members-add", {"member_ids": ["x"]}),
    ("member-remove", {"user_id": "\x00"}),
    ("member-role", {"user_id": "x", "role": "admin"}),
    ("chat-pin", {"pinned": "perhaps"}),
    ("chat-archive", {}),
    ("chat-notify", {"notify": "sometimes"}),
    ("chat-mute", {"period": "9" * 30}),
    ("chat-open", {"user_id": ""}),
    ("notifications-read", {"seq": "9" * 30}),
    ("notifications-read", {"seq": "-1"}),
]


@pytest.mark.parametrize(("route", "form"), FORGED)
def test_a_forged_form_is_refused_with_a_notice(cast, route, form):
    answer = browser(cast.alice).post(address(cast, route), form)
    assert answer.status_code == 302
    assert notices_of(answer) == [str(InvalidInput.title)]


@pytest.mark.parametrize("action", ["edit", "delete"])
def test_a_message_is_not_found_at_the_address_of_another_chat(action, alice, bob):
    chats = [group_create(actor_id=alice.id, title=title) for title in ("One", "Two")]
    sent = message_send(sender_id=alice.id, chat_id=chats[0].id, text="mine").message
    path = f"/chats/{chats[1].id}/messages/{sent['id']}/{action}/"
    assert browser(alice).post(path, {"text": "other"}).status_code == 404
    assert Message.objects.get().text == "mine"
