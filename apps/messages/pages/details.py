"""A chat's details beside the conversation: the other person or the members, and my preferences."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.chats.forms import GroupForm
from apps.chats.models import Participant
from apps.chats.rules import Action, Standing, refusal_to
from apps.chats.selectors import access_chat, active_participants, serialized_participants
from apps.messages.forms import SearchForm
from apps.messages.pages.conversation import conversation_context
from apps.messages.pages.people import find, has_term
from messenger.core.limits import SEARCH, limited
from messenger.core.pages import errors_as_pages

SHOWN = 200
FOREVER = timedelta(days=3650)  # muted for longer than this shows no end


@require_safe
@errors_as_pages
@limited(SEARCH, methods=("GET",), when=has_term)
def chat_details(request: Any, chat_id: UUID) -> HttpResponse:
    """Details of a chat; `?q=` searches for people to add to a group."""
    context = details_context(request, chat_id, term=SearchForm(request.GET).term)
    return render(request, "chats/details.html", context)


def details_context(
    request: Any, chat_id: UUID, group_form: GroupForm | None = None, *, term: str = ""
) -> dict[str, Any]:
    """Context of the details; `group_form` is a form that was refused, `term` a search.

    Raises `NotFound` for a chat that the person takes no part in. A view that passes `term`
    declares the search limit.
    """
    context = conversation_context(request, chat_id, view="details")
    chat, viewer_id = context["chat"], request.user.pk
    context |= {
        "q": term,
        "is_group": chat["kind"] == "group",
        "levels": Participant.Notify.choices,
        "muted_forever": chat["is_muted"]
        and chat["preferences"]["muted_until"] > timezone.now() + FOREVER,
    }
    if context["is_group"]:
        context["members"] = _members(viewer_id, chat_id)
        found = find(viewer_id, term) if Action.ADD.value in context["may"] else []
        inside = {row["user"]["id"] for row in context["members"]}
        context["found"] = [person for person in found if person["id"] not in inside]
        context["group_form"] = group_form or GroupForm(initial=chat, auto_id="group-%s")
    return context


def _members(viewer_id: UUID, chat_id: UUID) -> list[dict[str, Any]]:
    """`ParticipantOut`s with what the viewer may do to each."""
    viewer = access_chat(viewer_id, chat_id)
    rows = list(active_participants(chat_id).select_related("user")[:SHOWN])
    members = serialized_participants(viewer_id, rows)
    for row, member in zip(rows, members, strict=True):
        target = Standing(viewer.chat, row.user_id, row)
        member["is_me"] = row.user_id == viewer_id
        for name, action in (("can_remove", Action.REMOVE), ("can_set_role", Action.SET_ROLE)):
            refusal = refusal_to(action, viewer, target)
            member[name] = refusal is None and not member["is_me"]
    return members
