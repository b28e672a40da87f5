"""A chat's details beside the conversation: who takes part, and what one may change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages as notes
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.accounts.services.blocks import user_block, user_unblock
from apps.chats.errors import NotAcceptingMessages
from apps.chats.models import Participant
from apps.chats.selectors import participants_for
from apps.chats.serializers import ChatPatchInput
from apps.chats.services.groups import chat_update, group_delete
from apps.chats.services.participants import (
    participant_remove,
    participant_set_role,
    participants_add,
)
from apps.chats.services.preferences import preferences_set
from apps.messages.pages.conversation import talk
from apps.messages.pages.people import chosen_ids, find
from apps.messages.pages.words import refusals
from apps.messages.selectors import chat_for
from messenger.core.errors import Conflict, InvalidInput, NotFound
from messenger.core.json import guard, uuid_or_none
from messenger.core.pages import speaks_in_pages
from messenger.core.shapes import read_input

RANK = {"member": 0, "admin": 1, "owner": 2}
SHOWN = 200


@require_http_methods(["GET", "HEAD", "POST"])
@speaks_in_pages
def chat_details(request: Any, chat_id: UUID) -> HttpResponse:
    """Details; POST `action`: rename, add, remove, role, leave, delete, block, unblock, and my own
    preferences: mute (`hours`), notify (`level`), pin, archive (`on`)."""
    if request.method == "POST":
        return _act(request, chat_id)
    context = talk(request, chat_id, view="details")
    chat, viewer_id = context["chat"], request.user.pk
    term = request.GET.get("q", "").strip()
    context |= {"q": term, "is_group": chat["kind"] == "group", "is_owner": chat["role"] == "owner"}
    context["levels"] = Participant.Notify.choices
    context["muted_for_ever"] = chat["is_muted"] and (
        chat["preferences"]["muted_until"] > timezone.now() + timedelta(days=3650)
    )
    context["is_admin"] = context["is_group"] and RANK[chat["role"]] > 0
    if context["is_group"]:
        rows = participants_for(viewer_id, chat_id)
        inside = {row["user"]["id"] for row in rows}
        context["members"] = [_member(row, viewer_id, chat["role"]) for row in rows[:SHOWN]]
        found = find(viewer_id, term) if context["is_admin"] else []
        context["found"] = [person for person in found if person["id"] not in inside]
    return render(request, "chats/details.html", context)


def _member(row: dict[str, Any], viewer_id: UUID, my_role: str) -> dict[str, Any]:
    is_me = row["user"]["id"] == viewer_id
    return {
        **row,
        "is_me": is_me,
        "can_remove": not is_me and my_role != "member" and RANK[my_role] > RANK[row["role"]],
        "can_rank": not is_me and my_role == "owner",
    }


def _act(request: Any, chat_id: UUID) -> HttpResponse:
    actor_id, action = request.user.pk, request.POST.get("action", "")
    try:
        if action == "rename":
            _rename(request, chat_id)
        elif action == "add":
            participants_add(actor_id=actor_id, chat_id=chat_id, user_ids=chosen_ids(request))
        elif action == "remove":
            participant_remove(actor_id=actor_id, chat_id=chat_id, user_id=_target(request))
        elif action == "role":
            _set_role(request, chat_id)
        elif action in ("block", "unblock"):
            _block(request, chat_id, is_on=action == "block")
        elif action in PREFERENCES:
            changes = PREFERENCES[action](request.POST)
            preferences_set(actor_id=actor_id, chat_id=chat_id, changes=changes)
        elif action == "leave":
            participant_remove(actor_id=actor_id, chat_id=chat_id, user_id=actor_id)
            return redirect("inbox")
        elif action == "delete":
            group_delete(actor_id=actor_id, chat_id=chat_id)
            return redirect("inbox")
    except InvalidInput:
        notes.error(request, _("That did not work: look at what you entered."))
    except (Conflict, NotAcceptingMessages) as error:
        notes.error(request, refusals().get(error.code) or _("That did not work. Try again."))
    return redirect(reverse("chat-details", args=[chat_id]))


def _mute(form: Any) -> dict[str, Any]:
    hours = MUTES.get(form.get("hours", ""))
    if hours is None:
        return {"muted_until": None}
    return {"muted_until": min(timezone.now() + hours, FOR_EVER)}


def _level(form: Any) -> dict[str, Any]:
    level = form.get("level", "")
    if level not in Participant.Notify.values:
        raise InvalidInput
    return {"notify": level}


MUTES = {"1": timedelta(hours=1), "8": timedelta(hours=8), "ever": timedelta(days=36_500)}
FOR_EVER = datetime(2999, 1, 1, tzinfo=UTC)
PREFERENCES: dict[str, Callable[[Any], dict[str, Any]]] = {
    "mute": _mute,
    "notify": _level,
    "pin": lambda form: {"pinned": form.get("on") == "1"},
    "archive": lambda form: {"archived": form.get("on") == "1"},
}


def _rename(request: Any, chat_id: UUID) -> None:
    fields = {name: request.POST.get(name, "") for name in ("title", "description")}
    guard(fields)
    data = read_input(ChatPatchInput, fields)
    chat_update(
        actor_id=request.user.pk, chat_id=chat_id, title=data.title, description=data.description
    )
    notes.success(request, _("Saved."))


def _set_role(request: Any, chat_id: UUID) -> None:
    role = request.POST.get("role", "")
    if role not in RANK:
        raise InvalidInput
    participant_set_role(
        actor_id=request.user.pk, chat_id=chat_id, user_id=_target(request), role=role
    )


def _block(request: Any, chat_id: UUID, *, is_on: bool) -> None:
    peer = chat_for(request.user.pk, chat_id)["peer"]
    if peer is None:
        raise NotFound
    change = user_block if is_on else user_unblock
    change(actor_id=request.user.pk, user_id=peer["id"])
    notes.success(request, _("Blocked.") if is_on else _("Unblocked."))


def _target(request: Any) -> UUID:
    user_id = uuid_or_none(request.POST.get("user_id"))
    if user_id is None:
        raise NotFound
    return user_id
