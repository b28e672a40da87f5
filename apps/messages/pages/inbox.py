"""My chats, and the column of them that stands beside every chat page."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.accounts.selectors import unread_counts
from apps.chats.rules import is_muted
from apps.messages import selectors
from apps.messages.pages.words import words
from messenger.core.pages import speaks_in_pages
from messenger.core.templatetags.lumin import chat_name, hue, name_of

SHOWN = 100


@require_safe
@speaks_in_pages
def inbox(request: Any) -> HttpResponse:
    """The chat list; beside it, where there is room, an invitation to choose."""
    return render(request, "messaging/inbox.html", {**column(request), "view": "list"})


def column(request: Any, chat_id: UUID | None = None) -> dict[str, Any]:
    """Context of the list: `chats`, `archived`, `has_more_chats`, `unread_all` (without silent
    chats), `notified` (unread notifications), and the scripts' `boot`."""
    viewer = request.user
    chats = selectors.chats_for(viewer.pk)
    heard = [chat for chat in chats if chat["id"] != chat_id and not _is_silent(chat)]
    shown = rows(chats if "all" in request.GET else chats[:SHOWN], viewer.pk, chat_id)
    return {
        "chats": [chat for chat in shown if not chat["preferences"]["archived"]],
        "archived": [chat for chat in shown if chat["preferences"]["archived"]],
        "has_more_chats": len(shown) < len(chats),
        "unread_all": sum(chat["unread_count"] for chat in heard),
        "notified": unread_counts([viewer.pk]).get(viewer.pk, 0),
        "boot": {
            "me": {"id": viewer.pk, "name": viewer.name, "username": viewer.username},
            "words": words(),
        },
    }


def rows(
    chats: list[dict[str, Any]], viewer_id: UUID, current: UUID | None
) -> list[dict[str, Any]]:
    """`InboxChatOut`s with what the templates add: name, colour, who spoke last; one query."""
    groups = [chat for chat in chats if chat["kind"] == "group" and chat["last_message"]]
    faces = selectors.profiles_for(chat["last_message"]["sender_id"] for chat in groups)
    for chat in chats:
        last = chat["last_message"]
        chat["name"] = chat_name(chat)
        chat["is_muted"] = _is_silent(chat)
        chat["hue"] = hue(chat["peer"]["id"] if chat["peer"] else chat["id"])
        chat["is_current"] = chat["id"] == current
        chat["unread"] = 0 if chat["is_current"] else chat["unread_count"]
        chat["said_by"] = ""
        if last:
            last["mine"] = last["sender_id"] == viewer_id
            if chat["kind"] == "group" and not last["mine"]:
                chat["said_by"] = name_of(faces.get(last["sender_id"])).split(" ")[0]
    return chats


def _is_silent(chat: dict[str, Any]) -> bool:
    return is_muted(chat["preferences"]["muted_until"], timezone.now())
