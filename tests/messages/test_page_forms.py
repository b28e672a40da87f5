"""Mistakes in the forms of the chat pages: what is shown, and that the input stays."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from django.urls import reverse

from apps.accounts.services.blocks import user_block
from apps.chats.errors import NotAcceptingMessages, PersonBlocked
from apps.chats.models import Chat
from apps.messages.models import Message
from messenger.core.errors import InvalidInput
from tests.messages.page_stage import address, browser

TOO_LONG = "x" * 5001

# route, a form with a mistake, the text beside the field
MISTAKES: list[tuple[str, dict[str, Any], str]] = [
    ("message-send", {"text": " "}, "Write something first."),
    ("message-send", {"text": TOO_LONG}, "at most 5000 characters"),
    ("message-send", {"text": "a\x00b"}, "Null characters are not allowed."),
    ("message-edit", {"text": TOO_LONG}, "at most 5000 characters"),
    ("group-update", {"title": "", "description": "kept"}, "Fill this in."),
    ("group-update", {"title": "x" * 121, "description": "kept"}, "at most 120 characters"),
    ("group-update", {"title": "a\u202eb", "description": "kept"}, str(InvalidInput.title)),
    ("group-create", {"title": "", "member_ids": []}, "Give the group a name."),
]


@pytest.mark.parametrize(("route", "form", "text"), MISTAKES)
def test_a_mistake_is_shown_beside_the_field_and_the_input_stays(cast, route, form, text):
    who = cast.bob if route == "message-edit" else cast.alice
    page = browser(who).post(address(cast, route), form)
    assert page.status_code == 400
    content = unescape(page.content.decode())
    (shown,) = [part for part in content.split("</p>") if 'class="field__error"' in part]
    assert text in shown
    for value in form.values():
        assert not value or str(value).strip() in content or "\x00" in value


def test_what_was_not_sent_stays_in_the_composer(cast):
    user_block(actor_id=cast.alice.id, user_id=cast.bob.id)
    for who, refusal in ((cast.bob, NotAcceptingMessages), (cast.alice, PersonBlocked)):
        path = reverse("message-send", args=[cast.direct.id])
        page = browser(who).post(path, {"text": "Kept", "reply_to": str(cast.his)})
        assert page.status_code == 403
        assert page.context["draft"] == "Kept"
        assert page.context["reply"]["id"] == cast.his
        assert str(refusal.title) in unescape(page.content.decode())


def test_a_message_sent_too_fast_stays_in_the_composer(cast, settings):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "messages": (1, 0.001)}
    client = browser(cast.alice)
    path = address(cast, "message-send")
    assert client.post(path, {"text": "One"}).status_code == 302
    page = client.post(path, {"text": "Two"})
    assert (page.status_code, page.context["draft"]) == (429, "Two")
    assert not Message.objects.filter(text="Two").exists()


def test_searching_for_members_keeps_the_name_and_the_chosen_people(cast):
    form = {"title": "Choir", "q": "dor", "member_ids": [cast.bob.id]}
    page = browser(cast.alice).post(reverse("group-search"), form)
    assert page.status_code == 200
    assert page.context["form"]["title"].value() == "Choir"
    assert [person["id"] for person in page.context["chosen"]] == [cast.bob.id]
    assert [person["id"] for person in page.context["found"]] == [cast.dora.id]


def test_a_group_with_someone_who_refuses_is_not_created(cast):
    user_block(actor_id=cast.dora.id, user_id=cast.alice.id)
    form = {"title": "Choir", "member_ids": [cast.bob.id, cast.dora.id]}
    page = browser(cast.alice).post(reverse("group-create"), form)
    assert page.status_code == 403
    assert len(page.context["chosen"]) == 2
    assert not Chat.objects.filter(title="Choir").exists()


def test_a_group_has_no_person_to_block(cast):
    for route in ("chat-block", "chat-unblock"):
        path = reverse(route, args=[cast.group.id])
        assert browser(cast.alice).post(path).status_code == 404
