"""Blocking the other person of a direct chat from its details."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages as notices
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from apps.accounts.services.blocks import user_block, user_unblock
from apps.messages.selectors import chat_for
from messenger.core.errors import NotFound
from messenger.core.pages import page_action

action = page_action(back="chat-details")


@action
def chat_block(request: Any, chat_id: UUID) -> HttpResponse:
    """Block the other person."""
    user_block(actor_id=request.user.pk, user_id=_peer_id(request, chat_id))
    notices.success(request, _("Blocked."))
    return redirect("chat-details", chat_id)


@action
def chat_unblock(request: Any, chat_id: UUID) -> HttpResponse:
    """Unblock the other person."""
    user_unblock(actor_id=request.user.pk, user_id=_peer_id(request, chat_id))
    notices.success(request, _("Unblocked."))
    return redirect("chat-details", chat_id)


def _peer_id(request: Any, chat_id: UUID) -> UUID:
    """The other person of the direct chat. Raises `NotFound` for a chat without one."""
    peer = chat_for(request.user.pk, chat_id)["peer"]
    if peer is None:
        raise NotFound
    peer_id: UUID = peer["id"]
    return peer_id
