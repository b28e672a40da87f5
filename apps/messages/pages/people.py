"""Starting a chat: with one person, or with several in a group."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages as notices
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.forms import PersonForm
from apps.accounts.selectors import people_search
from apps.accounts.serializers import person_out
from apps.chats.forms import MembersForm, NewGroupForm
from apps.chats.services import groups
from apps.chats.services.direct import chat_open_direct
from apps.messages import selectors
from apps.messages.forms import SearchForm
from apps.messages.pages.inbox import chat_list_context
from messenger.core.errors import DomainError, InvalidInput
from messenger.core.forms import cleaned
from messenger.core.limits import NEW_CHATS, SEARCH, limited
from messenger.core.pages import errors_as_pages, page_action

FOUND = 20


def has_term(request: Any) -> bool:
    """Whether the request searches for people."""
    return bool(SearchForm(request.POST or request.GET).term)


@require_safe
@errors_as_pages
@limited(SEARCH, methods=("GET",), when=has_term)
def chat_new(request: Any) -> HttpResponse:
    """Find a person by `?q=` and start a chat with them."""
    term = SearchForm(request.GET).term
    context = {**chat_list_context(request), "q": term, "found": find(request.user.pk, term)}
    return render(request, "chats/new.html", context)


@page_action(back="chat-new")
def chat_open(request: Any) -> HttpResponse:
    """Open the direct chat with the person `user_id`."""
    user_id = cleaned(PersonForm(request.POST))["user_id"]
    chat, _created = chat_open_direct(
        actor_id=request.user.pk, user_id=user_id, new_chat_limit=NEW_CHATS
    )
    return redirect("conversation", chat.id)


@require_safe
@errors_as_pages
def group_new(request: Any) -> HttpResponse:
    """Name a group and choose its members."""
    return _group_page(request, NewGroupForm())


@require_POST
@errors_as_pages
@limited(SEARCH, when=has_term)
def group_search(request: Any) -> HttpResponse:
    """The same page with the people found for `q`; name and chosen members stay as they are."""
    form = NewGroupForm(initial={"title": request.POST.get("title", "")})
    return _group_page(request, form, term=SearchForm(request.POST).term)


@require_POST
@errors_as_pages
@limited(NEW_CHATS, when=lambda request: NewGroupForm(request.POST).is_valid())
def group_create(request: Any) -> HttpResponse:
    """Create the group; a refusal keeps name and chosen members."""
    form = NewGroupForm(request.POST)
    if not form.is_valid():
        return _group_page(request, form, status=InvalidInput.status)
    try:
        chat = groups.group_create(actor_id=request.user.pk, **form.cleaned_data)
    except DomainError as error:
        notices.error(request, str(error.title))
        return _group_page(request, form, status=error.status)
    return redirect("conversation", chat.id)


def find(viewer_id: UUID, term: str) -> list[dict[str, Any]]:
    """Some people other than the viewer whose names begin with `term`; none for an empty one."""
    rows = people_search(viewer_id=viewer_id, search=term)[: FOUND + 1] if term else ()
    return [person_out(row) for row in rows if row.pk != viewer_id][:FOUND]


def _group_page(
    request: Any, form: NewGroupForm, *, term: str = "", status: int = 200
) -> HttpResponse:
    members = MembersForm(request.POST)
    chosen = members.cleaned_data["member_ids"] if members.is_valid() else []
    people = selectors.profiles_for(chosen)
    context = {
        **chat_list_context(request),
        "form": form,
        "q": request.POST.get("q", ""),
        "searched": bool(term),
        "chosen": [people[user_id] for user_id in chosen if user_id in people],
        "found": [person for person in find(request.user.pk, term) if person["id"] not in people],
    }
    return render(request, "chats/new_group.html", context, status=status)
