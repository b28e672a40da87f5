"""The inbox, and the chat list that stands beside every chat page."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.accounts.selectors import unread_counts
from apps.accounts.serializers import PeopleQuery
from apps.chats.rules import is_muted
from apps.messages import selectors
from messenger.core.forms import length_limit
from messenger.core.pages import errors_as_pages
from messenger.core.templatetags.lumin import chat_name, hue, name_of

SHOWN = 100
SEARCH_LIMIT = length_limit(PeopleQuery, "search")


@require_safe
@errors_as_pages
def inbox(request: Any) -> HttpResponse:
    """The chat list; on wide screens with an invitation to choose a chat beside it."""
    context = {**chat_list_context(request), "view": "list"}
    return render(request, "messaging/inbox.html", context)


def chat_list_context(request: Any, chat_id: UUID | None = None) -> dict[str, Any]:
    """Context of the chat list beside chat `chat_id`.

    `chats`, `archived`, `has_more_chats`, `unread_all` (messages, without muted chats), `notified`
    (unread notifications), `search_limit` (characters), and `boot`, which the scripts start from.
    """
    viewer = request.user
    chats = selectors.chats_for(viewer.pk)
    counted = [chat for chat in chats if chat["id"] != chat_id and not _is_muted(chat)]
    shown = serialized_chats(chats if "all" in request.GET else chats[:SHOWN], viewer.pk, chat_id)
    return {
        "chats": [chat for chat in shown if not chat["preferences"]["archived"]],
        "archived": [chat for chat in shown if chat["preferences"]["archived"]],
        "has_more_chats": len(shown) < len(chats),
        "unread_all": sum(chat["unread_count"] for chat in counted),
        "search_limit": SEARCH_LIMIT,
        "notified": unread_counts([viewer.pk]).get(viewer.pk, 0),
        "boot": {"me": {"id": viewer.pk, "name": viewer.name, "username": viewer.username}},
    }


def serialized_chats(
    chats: list[dict[str, Any]], viewer_id: UUID, current: UUID | None
) -> list[dict[str, Any]]:
    """`InboxChatOut`s with what the templates add: name, colour, the last sender. One query."""
    groups = [chat for chat in chats if chat["kind"] == "group" and chat["last_message"]]
    senders = selectors.profiles_for(chat["last_message"]["sender_id"] for chat in groups)
    for chat in chats:
        last = chat["last_message"]
        chat["name"] = chat_name(chat)
        chat["is_muted"] = _is_muted(chat)
        chat["hue"] = hue(chat["peer"]["id"] if chat["peer"] else chat["id"])
        chat["is_current"] = chat["id"] == current
        chat["unread"] = 0 if chat["is_current"] else chat["unread_count"]
        chat["last_sender"] = ""
        if last:
            last["mine"] = last["sender_id"] == viewer_id
            if chat["kind"] == "group" and not last["mine"]:
                chat["last_sender"] = name_of(senders.get(last["sender_id"])).split(" ")[0]
    return chats


def _is_muted(chat: dict[str, Any]) -> bool:
    return is_muted(chat["preferences"]["muted_until"], timezone.now())
