"""My notifications: mentions, and chats with new messages since I was away."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.accounts.selectors import notification_timeline_for
from apps.accounts.serializers import NotificationQuery
from apps.accounts.services import notifications as services
from apps.messages.forms import PositionForm, seq_or_none
from apps.messages.pages.dates import day_label
from apps.messages.pages.inbox import chat_list_context
from apps.messages.selectors.notified import NotifiedMessage, notified_messages_for
from messenger.core.forms import cleaned
from messenger.core.pages import errors_as_pages, page_action
from messenger.core.templatetags.lumin import chat_name, name_of

WINDOW = 50


@require_safe
@errors_as_pages
def notifications(request: Any) -> HttpResponse:
    """The list, newest first; `?before=` takes a position in it."""
    viewer_id = request.user.pk
    query = NotificationQuery(before_seq=seq_or_none(request.GET.get("before", "")), limit=WINDOW)
    window = notification_timeline_for(viewer_id, query)
    items = window["items"][::-1]
    rows = [_row(row) for row in notified_messages_for(viewer_id, items)]
    for earlier, row in zip([None, *rows], rows, strict=False):
        row["day"] = "" if earlier and earlier["date"] == row["date"] else day_label(row["date"])
    context = {
        **chat_list_context(request),
        "view": "form",
        "rows": rows,
        "unread": window["unread_count"],
        "newest": items[0]["seq"] if items else 0,
        "older_than": items[-1]["seq"] if window["has_more_before"] else None,
    }
    return render(request, "messaging/notifications.html", context)


@page_action(back="notifications")
def notifications_read(request: Any) -> HttpResponse:
    """Mark all up to `seq` as read."""
    seq = cleaned(PositionForm(request.POST))["seq"]
    services.notifications_read(user_id=request.user.pk, seq=seq)
    return redirect("notifications")


def _row(row: NotifiedMessage) -> dict[str, Any]:
    at = timezone.localtime(row.notification["created_at"])
    is_group = row.chat.kind == "group"
    return {
        **row.notification,
        "at": at,
        "date": at.date(),
        "chat_id": row.chat.id,
        "is_group": is_group,
        "chat": chat_name({"kind": row.chat.kind, "title": row.chat.title, "peer": row.peer}),
        "sender": name_of(row.sender),
        "avatar_key": row.sender["id"] if row.sender else row.chat.id,
        "text": row.message.text if row.message else "",
        "is_deleted": row.message is None,
    }
