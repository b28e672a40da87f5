"""Beginning to talk: with one person, or with several in a group."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages as notes
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.accounts.selectors import people_search
from apps.accounts.serializers import person_out
from apps.chats.errors import NotAcceptingMessages, PersonBlocked
from apps.chats.serializers import GroupChatInput
from apps.chats.services.direct import chat_open_direct
from apps.chats.services.groups import group_create
from apps.messages import selectors
from apps.messages.pages.inbox import column
from apps.messages.pages.words import refusals
from messenger.core.errors import InvalidInput, NotFound
from messenger.core.json import guard, uuid_or_none
from messenger.core.limits import NEW_CHATS
from messenger.core.pages import speaks_in_pages
from messenger.core.shapes import read_input
from messenger.core.throttles import take

FOUND = 20
TERM_LENGTH = 254


@require_http_methods(["GET", "HEAD", "POST"])
@speaks_in_pages
def chat_new(request: Any) -> HttpResponse:
    """Find a person (`?q=`); POST `user_id` opens the chat with them."""
    if request.method == "POST":
        user_id = uuid_or_none(request.POST.get("user_id"))
        if user_id is None:
            raise NotFound
        try:
            chat, _created = chat_open_direct(
                actor_id=request.user.pk, user_id=user_id, new_chat_limit=NEW_CHATS
            )
        except (NotAcceptingMessages, PersonBlocked) as error:
            notes.error(request, refusals()[error.code])
            return redirect("chat-new")
        return redirect(reverse("conversation", args=[chat.id]))
    term = request.GET.get("q", "").strip()
    context = {**column(request), "q": term, "found": find(request.user.pk, term)}
    return render(request, "chats/new.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@speaks_in_pages
def group_new(request: Any) -> HttpResponse:
    """Name a group and choose its people; POST `action` is `search` or `create`."""
    if request.method != "POST":
        return _group_form(request, chosen=[], found=[])
    chosen = chosen_ids(request)
    term = request.POST.get("q", "").strip()
    if request.POST.get("action") == "search":
        return _group_form(request, chosen=chosen, found=find(request.user.pk, term))
    try:
        guard(request.POST.get("title", ""))
        data = read_input(
            GroupChatInput,
            {"kind": "group", "title": request.POST.get("title", ""), "member_ids": chosen},
        )
    except InvalidInput:
        error = _("Give the group a name of 1 to 120 characters.")
        return _group_form(request, chosen=chosen, found=[], title_error=error)
    try:
        take("chats", str(request.user.pk))
        chat = group_create(actor_id=request.user.pk, title=data.title, member_ids=data.member_ids)
    except NotAcceptingMessages:
        notes.error(request, refusals()["not_accepting_messages"])
        return _group_form(request, chosen=chosen, found=[])
    return redirect(reverse("conversation", args=[chat.id]))


def find(viewer_id: UUID, term: str) -> list[dict[str, Any]]:
    """Some people other than the viewer whose names begin with `term`."""
    if not term or "\x00" in term or len(term) > TERM_LENGTH:
        return []
    take("search", str(viewer_id))
    rows = people_search(viewer_id=viewer_id, search=term)[: FOUND + 1]
    return [person_out(row) for row in rows if row.pk != viewer_id][:FOUND]


def chosen_ids(request: Any) -> list[UUID]:
    """The people ticked in a form, each once."""
    given = (uuid_or_none(value) for value in request.POST.getlist("member_ids"))
    return list(dict.fromkeys(value for value in given if value is not None))


def _group_form(
    request: Any, *, chosen: list[UUID], found: list[dict[str, Any]], title_error: str = ""
) -> HttpResponse:
    faces = selectors.profiles_for(chosen)
    context = {
        **column(request),
        "title_value": request.POST.get("title", ""),
        "title_error": title_error,
        "q": request.POST.get("q", ""),
        "searched": request.POST.get("action") == "search",
        "chosen": [faces[user_id] for user_id in chosen if user_id in faces],
        "found": [person for person in found if person["id"] not in faces],
    }
    status = 400 if title_error else 200
    return render(request, "chats/new_group.html", context, status=status)
