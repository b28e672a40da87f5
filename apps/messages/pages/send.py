"""Sending a message from the page's form, for browsers without scripts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages as notices
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from apps.messages.forms import SendForm
from apps.messages.pages.conversation import conversation_context
from apps.messages.services import send
from messenger.core.errors import DomainError, InvalidInput, NotFound
from messenger.core.limits import MESSAGES, limited
from messenger.core.pages import errors_as_pages


def _refused(request: Any, error: DomainError, chat_id: UUID) -> HttpResponse:
    """The conversation with the unsent text still in the composer."""
    notices.error(request, str(error.title))
    response = _show(request, chat_id, SendForm(request.POST), error.status)
    if error.retry_after is not None:
        response["Retry-After"] = str(error.retry_after)
    return response


@require_POST
@errors_as_pages
@limited(MESSAGES, on_exceeded=_refused)
def message_send(request: Any, chat_id: UUID) -> HttpResponse:
    """Send `text`, then redirect, so that a reload sends nothing twice."""
    form = SendForm(request.POST)
    if not form.is_valid():
        return _show(request, chat_id, form, InvalidInput.status)
    try:
        send.message_send(sender_id=request.user.pk, chat_id=chat_id, **form.cleaned_data)
    except NotFound:
        raise
    except DomainError as error:
        return _refused(request, error, chat_id)
    return redirect("conversation", chat_id)


def _show(request: Any, chat_id: UUID, form: SendForm, status: int) -> HttpResponse:
    context = conversation_context(request, chat_id)
    context |= {"draft": request.POST.get("text", ""), "send_errors": form.errors.get("text")}
    return render(request, "messaging/conversation.html", context, status=status)
