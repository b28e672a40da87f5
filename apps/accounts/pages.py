"""The pages of my account beside allauth's: profile, devices, notification settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from allauth.account.views import EmailView as AllauthEmailView
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.errors import InvalidKey
from apps.accounts.forms import NotificationsForm, PersonForm, ProfileForm, SessionForm
from apps.accounts.push import public_key
from apps.accounts.selectors import block_list_for, device_list_for, session_list_for
from apps.accounts.serializers import block_out, login_session_out
from apps.accounts.services.blocks import user_unblock
from apps.accounts.services.profile import digest_disable, user_update
from apps.accounts.services.sessions import sessions_revoke
from messenger.core.forms import cleaned
from messenger.core.pages import page_action


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


@require_safe
def devices(request: Any) -> HttpResponse:
    """Where I am signed in. Context: `sessions` (dicts like `LoginSessionOut`), `page`."""
    page = Paginator(session_list_for(request.user.pk), 50).get_page(request.GET.get("page"))
    pushed = set(device_list_for(request.user.pk).values_list("session_id", flat=True))
    sessions = [
        {**login_session_out(row, request.identity.session_id), "is_pushed": row.id in pushed}
        for row in page
    ]
    return render(request, "accounts/devices.html", {"sessions": sessions, "page": page})


@page_action(back="settings_devices")
def device_sign_out(request: Any) -> HttpResponse:
    """End the session `session_id`; another person's or an ended one changes nothing."""
    session_id = cleaned(SessionForm(request.POST))["session_id"]
    ended = sessions_revoke(user_id=request.user.pk, session_ids=[session_id], reason="revoked")
    return _signed_out(request, ended)


@page_action(back="settings_devices")
def devices_sign_out(request: Any) -> HttpResponse:
    """End all my sessions but this one."""
    current = request.identity.session_id
    ended = sessions_revoke(user_id=request.user.pk, except_id=current, reason="revoked")
    return _signed_out(request, ended)


def _signed_out(request: Any, ended: Any) -> HttpResponse:
    if ended:
        messages.success(request, _("Signed out."))
    return redirect("settings_devices")


@require_safe
def blocks(request: Any) -> HttpResponse:
    """The people whom I have blocked. Context: `blocks` (dicts like `BlockOut`), `page`."""
    page = Paginator(block_list_for(request.user.pk), 50).get_page(request.GET.get("page"))
    context = {"blocks": [block_out(row) for row in page], "page": page}
    return render(request, "accounts/blocks.html", context)


@page_action(back="settings_blocks")
def block_remove(request: Any) -> HttpResponse:
    """Unblock the person `user_id`."""
    user_id = cleaned(PersonForm(request.POST))["user_id"]
    user_unblock(actor_id=request.user.pk, user_id=user_id)
    messages.success(request, _("Unblocked."))
    return redirect("settings_blocks")


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Unsubscribe from digest mails. GET asks, because mail scanners follow links; POST does it.

    A mail program's own button (RFC 8058) posts without cookies: the token authenticates it.
    """
    try:
        if request.method == "POST":
            digest_disable(token=token)
    except InvalidKey as error:
        raise Http404 from error
    return render(request, "accounts/unsubscribe.html", {"is_done": request.method == "POST"})


@require_http_methods(["GET", "HEAD", "POST"])
def notifications(request: Any) -> HttpResponse:
    """My notification settings. Context: `form`, `can_push`. `js/push.js` sets up this device."""
    form = NotificationsForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        user_update(user_id=request.user.pk, changes=form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect("settings_notifications")
    context = {"form": form, "can_push": bool(public_key())}
    return render(request, "accounts/notifications.html", context)


@require_safe
def service_worker(request: HttpRequest) -> HttpResponse:
    """`js/sw.js`, which shows pushes. Served from the root, so that its scope is every page."""
    script = Path(settings.BASE_DIR, "static", "js", "sw.js").read_text(encoding="utf-8")
    response = HttpResponse(script, content_type="text/javascript; charset=utf-8")
    response["Cache-Control"] = "no-cache"
    response["Service-Worker-Allowed"] = "/"
    return response
