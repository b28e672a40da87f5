"""One conversation: a window of its messages, and the composer."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.timezone import get_current_timezone_name
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from apps.chats.rules import Action, allowed_actions, refusal_to
from apps.chats.selectors import access_chat, participants_for
from apps.messages import selectors
from apps.messages.forms import seq_or_none
from apps.messages.pages.bubbles import bubbles
from apps.messages.pages.dates import seen_line
from apps.messages.pages.inbox import chat_list_context, serialized_chats
from apps.messages.serializers import MessageSendInput, TimelineQuery
from apps.messages.services.read import messages_read
from messenger.core.forms import length_limit
from messenger.core.ids import new_id
from messenger.core.json import uuid_or_none
from messenger.core.pages import errors_as_pages

WINDOW = 50
TEXT_LIMIT = length_limit(MessageSendInput, "text")
PIXEL = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,"
PIXEL += b"\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"


@require_safe
@errors_as_pages
def conversation(request: Any, chat_id: UUID) -> HttpResponse:
    """A chat's messages; `?before=`, `?after=`, `?around=` take a position (`seq`) in it."""
    context = conversation_context(request, chat_id)
    return render(request, "messaging/conversation.html", context)


@require_safe
@errors_as_pages
def seen(request: Any, chat_id: UUID) -> HttpResponse:
    """Tracking pixel that marks a chat as read up to `seq` for clients without JavaScript."""
    seq = seq_or_none(request.GET.get("seq", ""))
    if seq is not None:
        messages_read(actor_id=request.user.pk, chat_id=chat_id, seq=seq)
    response = HttpResponse(PIXEL, content_type="image/gif")
    response["Cache-Control"] = "no-store"
    return response


def conversation_context(request: Any, chat_id: UUID, view: str = "chat") -> dict[str, Any]:
    """Context of a conversation with the chat list beside it; `view` is `chat` or `details`.

    `may` holds the actions that the person is allowed; `send_refusal` says why not sending is.
    Raises `NotFound` for a chat that the person takes no part in.
    """
    viewer_id = request.user.pk
    standing = access_chat(viewer_id, chat_id)
    chat = selectors.chat_for(viewer_id, chat_id)
    timeline = selectors.timeline_for(viewer_id, _window(request, chat))
    items = timeline["items"]
    quoted = selectors.quoted_for(items, chat["hidden_seq"])
    reply = _reply(request, chat)
    cursors = _cursors(viewer_id, chat)
    people = selectors.profiles_for(
        {item["sender_id"] for item in [*items, *quoted.values(), *([reply] if reply else [])]}
        | {user_id for item in items for user_id in item["mentions"]}
        | set(cursors)
    )
    rows = bubbles(
        items,
        viewer_id=viewer_id,
        people=people,
        quoted=quoted,
        fresh_after=chat["read_seq"] if chat["unread_count"] else None,
    )
    low = rows[0]["seq"] if rows else chat["last_seq"] + 1
    high = rows[-1]["seq"] if rows else chat["last_seq"]
    has_before, has_after = timeline["has_more_before"], timeline["has_more_after"]
    allowed = sorted(action.value for action in allowed_actions(standing))
    context = chat_list_context(request, chat_id)
    context["boot"]["conversation"] = {
        **_script_state(chat, people, cursors),
        "may": allowed,
        "low": low,
        "high": high,
        "hasBefore": has_before,
        "hasAfter": has_after,
    }
    listed = [*context["chats"], *context["archived"]]
    current = next((row for row in listed if row["id"] == chat_id), None)
    return {
        **context,
        "view": view,
        "may": allowed,
        "send_refusal": refusal_to(Action.SEND, standing),
        "chat": current or serialized_chats([chat], viewer_id, chat_id)[0],
        "seen_line": seen_line(chat["peer"]) if chat["peer"] else "",
        "subtitle": _subtitle(chat),
        "rows": rows,
        "older_than": low if has_before else None,
        "newer_than": high if has_after else None,
        "reply": reply and {**reply, "sender": people.get(reply["sender_id"])},
        "message_id": new_id(),
        "draft": chat["preferences"]["draft"],
        "text_limit": TEXT_LIMIT,
    }


def _script_state(
    chat: dict[str, Any], people: dict[UUID, dict[str, Any]], cursors: dict[UUID, list[int]]
) -> dict[str, Any]:
    """What `js/conversation.js` starts from."""
    return {
        "id": chat["id"],
        "kind": chat["kind"],
        "rev": chat["last_rev"],
        "lastSeq": chat["last_seq"],
        "readSeq": chat["read_seq"],
        "unread": chat["unread_count"],
        "people": {str(user_id): person for user_id, person in people.items()},
        "cursors": {str(user_id): cursor for user_id, cursor in cursors.items()},
        "zone": get_current_timezone_name(),
        "limit": TEXT_LIMIT,
        "draft": chat["preferences"]["draft"],
    }


def _subtitle(chat: dict[str, Any]) -> str:
    """The line under the name: shown without a presence and while no participant is typing."""
    if chat["peer"]:
        return f"@{chat['peer']['username']}"
    n = chat["participant_count"]
    return ngettext("%(n)s member", "%(n)s members", n) % {"n": n}


def _window(request: Any, chat: dict[str, Any]) -> TimelineQuery:
    for name in ("before", "after", "around"):
        seq = seq_or_none(request.GET.get(name, ""))
        if seq is not None:
            return TimelineQuery(chat_id=chat["id"], limit=WINDOW, **{f"{name}_seq": seq})
    if chat["unread_count"] and chat["last_seq"] - chat["read_seq"] > WINDOW - 10:
        return TimelineQuery(chat_id=chat["id"], limit=WINDOW, around_seq=chat["read_seq"])
    return TimelineQuery(chat_id=chat["id"], limit=WINDOW)


def _reply(request: Any, chat: dict[str, Any]) -> dict[str, Any] | None:
    """The message to reply to: of the link, or of a form that was refused."""
    message_id = uuid_or_none(request.GET.get("reply") or request.POST.get("reply_to"))
    rows = selectors.messages_by_id([message_id]) if message_id else []
    row = rows[0] if rows else None
    if row is None or row.chat_id != chat["id"] or row.seq <= chat["hidden_seq"] or row.deleted_at:
        return None
    return {"id": row.id, "seq": row.seq, "sender_id": row.sender_id, "text": row.text[:140]}


def _cursors(viewer_id: UUID, chat: dict[str, Any]) -> dict[UUID, list[int]]:
    """The others' delivered and read positions, in chats that get receipts live."""
    if chat["participant_count"] > settings.RECEIPTS_LIVE_LIMIT:
        return {}
    return {
        row["user"]["id"]: [row["delivered_seq"], row["read_seq"]]
        for row in participants_for(viewer_id, chat["id"])
        if row["user"]["id"] != viewer_id
    }
