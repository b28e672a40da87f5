"""The settings' list of those whom one has blocked."""

from __future__ import annotations

from typing import Any

from django.contrib import messages as notes
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.accounts.selectors import block_list_for
from apps.accounts.serializers import block_out
from apps.chats.services.blocks import user_unblock
from messenger.core.errors import NotFound
from messenger.core.json import uuid_or_none
from messenger.core.pages import speaks_in_pages


@require_http_methods(["GET", "HEAD", "POST"])
@speaks_in_pages
def blocks(request: Any) -> HttpResponse:
    """Whom I have blocked; POST `user_id` unblocks one of them."""
    if request.method == "POST":
        user_id = uuid_or_none(request.POST.get("user_id"))
        if user_id is None:
            raise NotFound
        user_unblock(actor_id=request.user.pk, user_id=user_id)
        notes.success(request, _("Unblocked."))
        return redirect("settings_blocks")
    page = Paginator(block_list_for(request.user.pk), 50).get_page(request.GET.get("page"))
    context = {"blocks": [block_out(row) for row in page], "page": page}
    return render(request, "chats/blocks.html", context)
