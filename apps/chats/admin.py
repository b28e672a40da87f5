"""Chats and participants for staff: counts and dates, never texts."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.accounts.selectors import people_search_by_staff
from apps.chats.models import Chat, Participant
from messenger.core.admin import ReadOnlyAdmin
from messenger.core.json import uuid_or_none


@admin.register(Chat)
class ChatAdmin(ReadOnlyAdmin):
    list_display = ("id", "kind", "title", "created_by", "last_seq", "last_message_at")
    list_filter = ("kind",)
    list_select_related = ("created_by",)
    ordering = ("-id",)
    search_fields = ("id",)
    search_help_text = _("The chat's id, or somebody who takes part")
    fields = (
        *("id", "kind", "title", "description", "created_by", "direct_low", "direct_high"),
        *("last_seq", "last_message_at", "shares_history", "created_at", "updated_at"),
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Chat], search_term: str
    ) -> tuple[QuerySet[Chat], bool]:
        text = search_term.strip()
        if not text:
            return queryset, False
        if chat_id := uuid_or_none(text):
            return queryset.filter(id=chat_id), False
        people = people_search_by_staff(User.objects.all(), text)
        mine = Participant.objects.active().filter(user__in=people).values("chat")
        return queryset.filter(id__in=mine), False


@admin.register(Participant)
class ParticipantAdmin(ReadOnlyAdmin):
    list_display = ("chat", "user", "role", "joined_at", "left_at")
    list_filter = ("role", ("left_at", admin.EmptyFieldListFilter))
    list_select_related = ("chat", "user")
    ordering = ("-pk",)
    search_fields = ("chat__id",)
    search_help_text = _("A chat's id, or a person")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Participant], search_term: str
    ) -> tuple[QuerySet[Participant], bool]:
        text = search_term.strip()
        if not text:
            return queryset, False
        if chat_id := uuid_or_none(text):
            return queryset.filter(chat_id=chat_id), False
        return queryset.filter(user__in=people_search_by_staff(User.objects.all(), text)), False
