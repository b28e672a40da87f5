"""One message's page: reply, edit and delete for browsers without scripts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.chats.rules import Action, refusal_to
from apps.messages import selectors
from apps.messages.forms import EditForm
from apps.messages.pages.inbox import chat_list_context
from apps.messages.rules import MessageAction, message_refusal_to
from apps.messages.selectors import SeenMessage
from apps.messages.serializers import message_out
from apps.messages.services import change
from messenger.core.errors import InvalidInput, NotFound
from messenger.core.limits import MESSAGES, limited
from messenger.core.pages import errors_as_pages, page_action


@require_safe
@errors_as_pages
def message_page(request: Any, chat_id: UUID, message_id: UUID) -> HttpResponse:
    """A message, with the actions that the viewer may take."""
    return render(request, "messaging/message.html", _context(request, chat_id, message_id))


@page_action(back="message-page")
@limited(MESSAGES)
def message_edit(request: Any, chat_id: UUID, message_id: UUID) -> HttpResponse:
    """Give the message a new `text`."""
    _require_in_chat(request, chat_id, message_id)
    form = EditForm(request.POST, auto_id="edit-%s")
    if not form.is_valid():
        context = _context(request, chat_id, message_id, form)
        return render(request, "messaging/message.html", context, status=InvalidInput.status)
    change.message_edit(actor_id=request.user.pk, message_id=message_id, **form.cleaned_data)
    return redirect("conversation", chat_id)


@page_action(back="message-page")
def message_delete(request: Any, chat_id: UUID, message_id: UUID) -> HttpResponse:
    """Delete the message for everyone."""
    _require_in_chat(request, chat_id, message_id)
    change.message_delete(actor_id=request.user.pk, message_id=message_id)
    return redirect("conversation", chat_id)


def _require_in_chat(request: Any, chat_id: UUID, message_id: UUID) -> SeenMessage:
    """The message at this address. Raises `NotFound` also where it is in another chat."""
    found = selectors.access_message(request.user.pk, message_id)
    if found.message.chat_id != chat_id:
        raise NotFound
    return found


def _context(
    request: Any, chat_id: UUID, message_id: UUID, form: EditForm | None = None
) -> dict[str, Any]:
    """Context of the page; `form` is one that was refused. Raises `NotFound`."""
    found = _require_in_chat(request, chat_id, message_id)
    message, now = found.message, timezone.now()
    allowed = [
        action.value
        for action in MessageAction
        if message_refusal_to(action, message, found.standing, now) is None
    ]
    return {
        **chat_list_context(request, chat_id),
        "view": "form",
        "chat_id": chat_id,
        "message": message_out(message),
        "sender": selectors.profiles_for([message.sender_id]).get(message.sender_id),
        "edit_form": form or EditForm(initial={"text": message.text}, auto_id="edit-%s"),
        "may": allowed,
        "may_reply": refusal_to(Action.SEND, found.standing) is None,
    }
