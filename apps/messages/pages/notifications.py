"""What I have been told: mentions, and chats in which something was said while I was away."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from apps.accounts.selectors import notification_timeline_for
from apps.accounts.serializers import NotificationQuery
from apps.accounts.services.notifications import notifications_read
from apps.messages.pages.bubbles import day_label
from apps.messages.pages.inbox import column
from apps.messages.selectors.notified import NotifiedMessage, notified_messages_for
from messenger.core.pages import speaks_in_pages
from messenger.core.templatetags.lumin import chat_name, name_of

WINDOW = 50


@require_http_methods(["GET", "HEAD", "POST"])
@speaks_in_pages
def notifications(request: Any) -> HttpResponse:
    """The list, newest first, from `?before=` on. POST `seq` marks all up to it as read."""
    viewer_id = request.user.pk
    if request.method == "POST":
        notifications_read(user_id=viewer_id, seq=_position(request.POST.get("seq", "")) or 0)
        return redirect("notifications")
    query = NotificationQuery(before_seq=_position(request.GET.get("before", "")), limit=WINDOW)
    window = notification_timeline_for(viewer_id, query)
    items = window["items"][::-1]
    rows = [_row(told) for told in notified_messages_for(viewer_id, items)]
    for earlier, row in zip([None, *rows], rows, strict=False):
        row["day"] = "" if earlier and earlier["date"] == row["date"] else day_label(row["date"])
    context = {
        **column(request),
        "view": "form",
        "rows": rows,
        "unread": window["unread_count"],
        "newest": items[0]["seq"] if items else 0,
        "older_than": items[-1]["seq"] if window["has_more_before"] else None,
    }
    return render(request, "messaging/notifications.html", context)


def _position(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 19 else None


def _row(told: NotifiedMessage) -> dict[str, Any]:
    at = timezone.localtime(told.notification["created_at"])
    is_group = told.chat.kind == "group"
    return {
        **told.notification,
        "at": at,
        "date": at.date(),
        "chat_id": told.chat.id,
        "is_group": is_group,
        "chat": chat_name({"kind": told.chat.kind, "title": told.chat.title, "peer": told.peer}),
        "sender": name_of(told.sender),
        "face": told.sender["id"] if told.sender else told.chat.id,
        "text": told.message.text if told.message else "",
        "is_deleted": told.message is None,
    }
