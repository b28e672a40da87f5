"""My own preferences for a chat, set from its details: one action per view."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect

from apps.chats.forms import ArchiveForm, MuteForm, NotifyForm, PinForm, PreferenceForm
from apps.chats.services.preferences import preferences_set
from messenger.core.forms import cleaned
from messenger.core.pages import page_action

action = page_action(back="chat-details")


@action
def chat_pin(request: Any, chat_id: UUID) -> HttpResponse:
    """Pin (`pinned=on`) or unpin (`off`) the chat."""
    return _set(request, chat_id, PinForm(request.POST))


@action
def chat_archive(request: Any, chat_id: UUID) -> HttpResponse:
    """Move the chat into the archive (`archived=on`) or out of it (`off`)."""
    return _set(request, chat_id, ArchiveForm(request.POST))


@action
def chat_notify(request: Any, chat_id: UUID) -> HttpResponse:
    """Choose which messages notify me: `notify` is `all`, `mentions` or `none`."""
    return _set(request, chat_id, NotifyForm(request.POST))


@action
def chat_mute(request: Any, chat_id: UUID) -> HttpResponse:
    """Mute the chat for a `period`: `1h`, `8h` or `forever`; `off` unmutes it."""
    return _set(request, chat_id, MuteForm(request.POST))


def _set(request: Any, chat_id: UUID, form: PreferenceForm) -> HttpResponse:
    cleaned(form)
    preferences_set(actor_id=request.user.pk, chat_id=chat_id, changes=form.changes())
    return redirect("chat-details", chat_id)
