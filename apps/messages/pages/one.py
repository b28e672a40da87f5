"""One message: where the actions live that a menu offers when there are scripts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages as notes
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.messages import rules, selectors
from apps.messages.pages.inbox import column
from apps.messages.rules import MessageAction
from apps.messages.serializers import MessageEditInput, message_out
from apps.messages.services.change import message_delete, message_edit
from messenger.core.errors import InvalidInput, NotFound
from messenger.core.json import guard
from messenger.core.pages import speaks_in_pages
from messenger.core.shapes import read_input
from messenger.core.throttles import take


@require_http_methods(["GET", "HEAD", "POST"])
@speaks_in_pages
def message_page(request: Any, chat_id: UUID, message_id: UUID) -> HttpResponse:
    """Reply, edit, delete. POST `action` is `edit` (with `text`) or `delete`."""
    viewer_id = request.user.pk
    found = selectors.access_message(viewer_id, message_id)
    message, standing, now = found.message, found.standing, timezone.now()
    if message.chat_id != chat_id:
        raise NotFound
    if request.method == "POST":
        return _act(request, chat_id, message_id)
    is_mine = message.sender_id == viewer_id
    context = {
        **column(request, chat_id),
        "view": "form",
        "chat_id": chat_id,
        "message": message_out(message),
        "sender": selectors.profiles_for([message.sender_id]).get(message.sender_id),
        "is_mine": is_mine,
        "can_edit": rules.message_refusal_to(MessageAction.EDIT, message, standing, now) is None,
        "can_delete": rules.message_refusal_to(MessageAction.DELETE, message, standing, now)
        is None,
    }
    return render(request, "messaging/message.html", context)


def _act(request: Any, chat_id: UUID, message_id: UUID) -> HttpResponse:
    if request.POST.get("action") == "delete":
        message_delete(actor_id=request.user.pk, message_id=message_id)
        return redirect(reverse("conversation", args=[chat_id]))
    text = request.POST.get("text", "").replace("\r\n", "\n")
    try:
        guard(text)
        data = read_input(MessageEditInput, {"text": text})
    except InvalidInput:
        notes.error(request, _("A message has 1 to 5,000 characters."))
        return redirect(request.path)
    take("messages", str(request.user.pk))
    message_edit(actor_id=request.user.pk, message_id=message_id, text=data.text)
    return redirect(reverse("conversation", args=[chat_id]))
