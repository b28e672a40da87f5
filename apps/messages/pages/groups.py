"""Running a group from its details: one action per view."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages as notices
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from apps.accounts.forms import PersonForm
from apps.chats.forms import GroupForm, MembersForm, RoleForm
from apps.chats.services import groups, participants
from apps.messages.pages.details import details_context
from messenger.core.errors import InvalidInput
from messenger.core.forms import cleaned
from messenger.core.pages import page_action

action = page_action(back="chat-details")


@action
def group_update(request: Any, chat_id: UUID) -> HttpResponse:
    """Change `title` and `description`."""
    form = GroupForm(request.POST, auto_id="group-%s")
    if not form.is_valid():
        context = details_context(request, chat_id, form)
        return render(request, "chats/details.html", context, status=InvalidInput.status)
    groups.chat_update(actor_id=request.user.pk, chat_id=chat_id, **form.cleaned_data)
    notices.success(request, _("Saved."))
    return redirect("chat-details", chat_id)


@action
def members_add(request: Any, chat_id: UUID) -> HttpResponse:
    """Add the people of `member_ids`."""
    user_ids = cleaned(MembersForm(request.POST))["member_ids"]
    participants.participants_add(actor_id=request.user.pk, chat_id=chat_id, user_ids=user_ids)
    return redirect("chat-details", chat_id)


@action
def member_remove(request: Any, chat_id: UUID) -> HttpResponse:
    """Remove the person `user_id`."""
    user_id = cleaned(PersonForm(request.POST))["user_id"]
    participants.participant_remove(actor_id=request.user.pk, chat_id=chat_id, user_id=user_id)
    return redirect("chat-details", chat_id)


@action
def member_set_role(request: Any, chat_id: UUID) -> HttpResponse:
    """Give the person `user_id` the `role`; `owner` hands the group over."""
    fields = cleaned(RoleForm(request.POST))
    participants.participant_set_role(actor_id=request.user.pk, chat_id=chat_id, **fields)
    return redirect("chat-details", chat_id)


@action
def group_leave(request: Any, chat_id: UUID) -> HttpResponse:
    """Leave the group."""
    actor_id = request.user.pk
    participants.participant_remove(actor_id=actor_id, chat_id=chat_id, user_id=actor_id)
    return redirect("inbox")


@action
def group_delete(request: Any, chat_id: UUID) -> HttpResponse:
    """Delete the group with all its messages."""
    groups.group_delete(actor_id=request.user.pk, chat_id=chat_id)
    return redirect("inbox")
