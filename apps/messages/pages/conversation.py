"""One conversation: the window of messages, the composer, and sending without a script."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages as notes
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.timezone import get_current_timezone_name
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from apps.chats.selectors import participants_for
from apps.messages import selectors
from apps.messages.pages.bubbles import bubbles
from apps.messages.pages.inbox import column
from apps.messages.pages.inbox import rows as dressed
from apps.messages.pages.words import refusals, seen_line
from apps.messages.serializers import MessageSendInput, TimelineQuery
from apps.messages.services.read import messages_read
from apps.messages.services.send import message_send
from messenger.core.errors import DomainError, Forbidden, LimitExceeded, NotFound
from messenger.core.ids import new_id
from messenger.core.json import guard, uuid_or_none
from messenger.core.pages import speaks_in_pages
from messenger.core.shapes import read_input
from messenger.core.throttles import take

WINDOW = 50
PIXEL = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,"
PIXEL += b"\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"


@require_http_methods(["GET", "HEAD", "POST"])
@speaks_in_pages
def conversation(request: Any, chat_id: UUID) -> HttpResponse:
    """A chat; POST sends `text`. `?before=`, `?after=`, `?around=` are positions in it."""
    if request.method == "POST":
        return _send(request, chat_id)
    return render(request, "messaging/conversation.html", talk(request, chat_id))


@require_safe
@speaks_in_pages
def seen(request: Any, chat_id: UUID) -> HttpResponse:
    """The picture by which a page without scripts says that it was looked at."""
    seq = request.GET.get("seq", "")
    if seq.isdecimal() and len(seq) < 19:
        messages_read(actor_id=request.user.pk, chat_id=chat_id, seq=int(seq))
    response = HttpResponse(PIXEL, content_type="image/gif")
    response["Cache-Control"] = "no-store"
    return response


def talk(request: Any, chat_id: UUID, view: str = "chat") -> dict[str, Any]:
    """Context of a conversation with the list beside it."""
    viewer_id = request.user.pk
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
    low, high = (rows[0]["seq"], rows[-1]["seq"]) if rows else (chat["last_seq"] + 1, 0)
    context = column(request, chat_id)
    listed = [*context["chats"], *context["archived"]]
    this = next((row for row in listed if row["id"] == chat_id), None)
    context["boot"]["talk"] = {
        "id": chat_id,
        "kind": chat["kind"],
        "role": chat["role"],
        "low": low,
        "high": high if rows else chat["last_seq"],
        "hasBefore": timeline["has_more_before"],
        "hasAfter": timeline["has_more_after"],
        "rev": chat["last_rev"],
        "lastSeq": chat["last_seq"],
        "readSeq": chat["read_seq"],
        "unread": chat["unread_count"],
        "people": {str(user_id): person for user_id, person in people.items()},
        "cursors": {str(user_id): cursor for user_id, cursor in cursors.items()},
        "zone": get_current_timezone_name(),
        "limit": settings.MESSAGE_TEXT_LIMIT,
        "draft": chat["preferences"]["draft"],
    }
    return {
        **context,
        "view": view,
        "chat": this or dressed([chat], viewer_id, chat_id)[0],
        "seen_line": seen_line(chat["peer"]) if chat["peer"] else "",
        "rest": _rest(chat),
        "rows": rows,
        "older_than": low if timeline["has_more_before"] else None,
        "newer_than": high if timeline["has_more_after"] else None,
        "reply": reply and {**reply, "sender": people.get(reply["sender_id"])},
        "message_id": new_id(),
        "draft": chat["preferences"]["draft"],
    }


def _rest(chat: dict[str, Any]) -> str:
    """The line under the name while there is nothing better to say."""
    if chat["peer"]:
        return f"@{chat['peer']['username']}"
    n = chat["participant_count"]
    return ngettext("%(n)s member", "%(n)s members", n) % {"n": n}


def _window(request: Any, chat: dict[str, Any]) -> TimelineQuery:
    for name in ("before", "after", "around"):
        given = request.GET.get(name, "")
        if given.isdecimal() and len(given) < 19:
            return TimelineQuery(chat_id=chat["id"], limit=WINDOW, **{f"{name}_seq": int(given)})
    if chat["unread_count"] and chat["last_seq"] - chat["read_seq"] > WINDOW - 10:
        return TimelineQuery(chat_id=chat["id"], limit=WINDOW, around_seq=chat["read_seq"])
    return TimelineQuery(chat_id=chat["id"], limit=WINDOW)


def _reply(request: Any, chat: dict[str, Any]) -> dict[str, Any] | None:
    message_id = uuid_or_none(request.GET.get("reply", ""))
    rows = selectors.messages_by_id([message_id]) if message_id else []
    row = rows[0] if rows else None
    if row is None or row.chat_id != chat["id"] or row.seq <= chat["hidden_seq"] or row.deleted_at:
        return None
    return {"id": row.id, "seq": row.seq, "sender_id": row.sender_id, "text": row.text[:140]}


def _cursors(viewer_id: UUID, chat: dict[str, Any]) -> dict[UUID, list[int]]:
    """How far the others have got, where receipts are told live."""
    if chat["participant_count"] > settings.RECEIPTS_LIVE_LIMIT:
        return {}
    return {
        row["user"]["id"]: [row["delivered_seq"], row["read_seq"]]
        for row in participants_for(viewer_id, chat["id"])
        if row["user"]["id"] != viewer_id
    }


def _send(request: Any, chat_id: UUID) -> HttpResponse:
    """Post, then show: a reload sends nothing twice, and the id makes a second click harmless."""
    fields = {
        "chat_id": chat_id,
        "text": request.POST.get("text", "").replace("\r\n", "\n"),
        "message_id": uuid_or_none(request.POST.get("message_id")),
        "reply_to": uuid_or_none(request.POST.get("reply_to")),
    }
    try:
        guard(fields["text"])
        data = read_input(MessageSendInput, fields)
        take("messages", str(request.user.pk))
        message_send(sender_id=request.user.pk, **data.model_dump(exclude={"recipient_id"}))
    except NotFound:
        raise
    except DomainError as error:
        return _refused(request, chat_id, error)
    return redirect(reverse("conversation", args=[chat_id]))


def _refused(request: Any, chat_id: UUID, error: DomainError) -> HttpResponse:
    """The page again with what was written still in it, and why it was not sent."""
    if isinstance(error, LimitExceeded):
        notes.error(request, _("That was too fast. Wait a moment, then send again."))
    elif isinstance(error, Forbidden):
        notes.error(request, refusals()[error.code])
    else:
        notes.error(request, _("A message has 1 to 5,000 characters."))
    context = {**talk(request, chat_id), "draft": request.POST.get("text", "")}
    return render(request, "messaging/conversation.html", context, status=error.status)
