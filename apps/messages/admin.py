"""Texts for staff: not browsable; a logged reason opens one chat for an hour."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.messages.models import Disclosure
from apps.messages.selectors.disclosed import access_disclosure, disclosed_message_list_for
from apps.messages.services.disclose import disclosure_open
from messenger.core.admin import ReadOnlyAdmin
from messenger.core.errors import NotFound

PAGE = 100


class DisclosureForm(forms.ModelForm):  # type: ignore[type-arg]
    reason = forms.CharField(
        min_length=10,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Stored with your name, before you see anything."),
    )

    class Meta:
        model = Disclosure
        fields = ("chat", "reason")


@admin.register(Disclosure)
class DisclosureAdmin(ReadOnlyAdmin):
    """The log of disclosures. Adding a row is the only way to read a chat's texts."""

    form = DisclosureForm
    list_display = ("created_at", "staff", "chat", "reason")
    list_select_related = ("staff", "chat")
    ordering = ("-id",)
    raw_id_fields = ("chat",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return admin.ModelAdmin.has_add_permission(self, request)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("chat", "reason") if obj is None else ("created_at", "staff", "chat", "reason")

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:
        made = disclosure_open(
            staff_id=request.user.pk, chat_id=obj.chat_id, reason=form.cleaned_data["reason"]
        )
        obj.pk, obj.staff_id, obj.created_at = made.pk, made.staff_id, made.created_at

    def response_add(
        self, request: HttpRequest, obj: Disclosure, post_url_continue: Any = None
    ) -> HttpResponse:
        return redirect("admin:messaging_disclosure_texts", obj.pk)

    def get_urls(self) -> list[URLPattern]:
        texts = self.admin_site.admin_view(self.texts)
        route = path("<uuid:disclosure_id>/texts/", texts, name="messaging_disclosure_texts")
        return [route, *super().get_urls()]

    def texts(self, request: Any, disclosure_id: UUID) -> HttpResponse:
        """The chat's texts, newest first. Context: `rows`, `older` (seq or None), `disclosure`."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        try:
            disclosure = access_disclosure(request.user.pk, disclosure_id)
        except NotFound:
            raise PermissionDenied(_("Give a new reason.")) from None
        before = request.GET.get("before", "")
        rows = disclosed_message_list_for(
            disclosure,
            before_seq=int(before) if before.isdecimal() and len(before) < 19 else None,
            limit=PAGE,
        )
        return TemplateResponse(
            request,
            "admin/messaging/disclosure/texts.html",
            {
                **self.admin_site.each_context(request),
                "title": _("Conversation"),
                "opts": self.opts,
                "disclosure": disclosure,
                "rows": rows,
                "older": rows[-1].seq if len(rows) == PAGE else None,
            },
        )
