"""My chats, and the column of them that stands beside every chat page."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

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
    """Context of the list: `chats`, `unread_all`, `has_more_chats`, and the scripts' `boot`."""
    viewer = request.user
    chats = selectors.chats_for(viewer.pk)
    unread_all = sum(chat["unread_count"] for chat in chats if chat["id"] != chat_id)
    shown = chats if "all" in request.GET else chats[:SHOWN]
    return {
        "chats": _rows(shown, viewer.pk, chat_id),
        "has_more_chats": len(shown) < len(chats),
        "unread_all": unread_all,
        "boot": {
            "me": {"id": viewer.pk, "name": viewer.name},
            "words": words(),
        },
    }


def _rows(
    chats: list[dict[str, Any]], viewer_id: UUID, current: UUID | None
) -> list[dict[str, Any]]:
    groups = [chat for chat in chats if chat["kind"] == "group" and chat["last_message"]]
    faces = selectors.faces_for(chat["last_message"]["sender_id"] for chat in groups)
    for chat in chats:
        last = chat["last_message"]
        chat["name"] = chat_name(chat)
        chat["hue"] = hue(chat["peer"]["id"] if chat["peer"] else chat["id"])
        chat["is_current"] = chat["id"] == current
        chat["unread"] = 0 if chat["is_current"] else chat["unread_count"]
        chat["said_by"] = ""
        if last:
            last["mine"] = last["sender_id"] == viewer_id
            if chat["kind"] == "group" and not last["mine"]:
                chat["said_by"] = name_of(faces.get(last["sender_id"])).split(" ")[0]
    return chats
