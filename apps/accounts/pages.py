"""The pages of my account beside allauth's: profile and devices."""

from __future__ import annotations

from typing import Any

from allauth.account.views import EmailView as AllauthEmailView
from django.contrib import messages
from django.core.paginator import Paginator
from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.accounts.forms import ProfileForm
from apps.accounts.selectors import session_list_for
from apps.accounts.serializers import login_session_out
from apps.accounts.services.profile import user_update
from apps.accounts.services.sessions import sessions_revoke
from messenger.core.json import uuid_or_none


@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: Any) -> HttpResponse:
    """My profile. Context: `form` (ProfileForm)."""
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        user_update(user_id=request.user.pk, changes=form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect("settings_profile")
    return render(request, "accounts/profile.html", {"form": form})


class EmailView(AllauthEmailView):  # type: ignore[misc]
    """My e-mail addresses; the primary one is the account's, so it must be confirmed and unique."""

    def _action_primary(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponse | None:
        address = self._get_email_address(request)
        if address is None or not address.verified:
            return None
        try:
            with transaction.atomic():
                response: HttpResponse | None = super()._action_primary(request, *args, **kwargs)
                return response
        except IntegrityError:  # another account has it without having confirmed it
            messages.error(request, _("There is an account with this e-mail address."))
            return None


@require_http_methods(["GET", "HEAD", "POST"])
def devices(request: Any) -> HttpResponse:
    """Where I am signed in. Context: `sessions` (dicts like `LoginSessionOut`), `page`.

    POST `session_id` ends one of them; POST `others` ends all but this one.
    """
    if request.method == "POST":
        _revoke(request)
        return redirect("settings_devices")
    page = Paginator(session_list_for(request.user.pk), 50).get_page(request.GET.get("page"))
    sessions = [login_session_out(row, request.identity.session_id) for row in page]
    return render(request, "accounts/devices.html", {"sessions": sessions, "page": page})


def _revoke(request: Any) -> None:
    current = request.identity.session_id
    if "others" in request.POST:
        ended = sessions_revoke(user_id=request.user.pk, except_id=current, reason="revoked")
    else:
        chosen = uuid_or_none(request.POST.get("session_id"))
        ended = sessions_revoke(
            user_id=request.user.pk, session_ids=[chosen] if chosen else [], reason="revoked"
        )
    if ended:
        messages.success(request, _("Signed out there."))
