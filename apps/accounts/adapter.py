"""Makes allauth's pages use this app's services, rate limits and mail queue."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from django.contrib import messages
from django.contrib.sites.shortcuts import get_current_site
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from apps.accounts.errors import FieldRefused
from apps.accounts.models import User
from apps.accounts.rules import PASSWORD_MAX_LENGTH
from apps.accounts.selectors import Identity, person_for_login
from apps.accounts.services.login import login_throttle
from apps.accounts.services.mail import mail_enqueue
from apps.accounts.services.passwords import password_set
from apps.accounts.services.registration import user_create
from messenger.core.address import client_address
from messenger.core.errors import LimitExceeded
from messenger.core.limits import LOGIN_ADDRESS, MAIL, REGISTER

log = structlog.get_logger("messenger.accounts")


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """allauth calls these methods instead of its defaults."""

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request.META) or "unknown"

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Apply the rate limits of a sign-in. Raises a form error."""
        login = str(credentials.get("username") or credentials.get("email") or "")
        try:
            LOGIN_ADDRESS.enforce(request)
            login_throttle(login=login, user=person_for_login(login))
        except LimitExceeded:
            raise self.validation_error("too_many_login_attempts") from None

    def clean_password(self, password: str, user: Any = None) -> str:
        """Enforce the maximum length of the REST API."""
        if len(password) > PASSWORD_MAX_LENGTH:
            raise ValidationError(_("At most %d characters.") % PASSWORD_MAX_LENGTH)
        cleaned: str = super().clean_password(password, user)
        return cleaned

    def save_user(self, request: HttpRequest, user: Any, form: Any, commit: bool = True) -> User:
        """Register the user; a username or address in use becomes a field error."""
        data = form.cleaned_data
        try:
            REGISTER.enforce(request)
            return user_create(
                username=data["username"],
                email=data["email"],
                password=data["password1"],
                locale=get_language() or "en",
            )
        except FieldRefused as refused:
            form.add_error(refused.field, self.error_messages[f"{refused.field}_taken"])
        except LimitExceeded:
            form.add_error(None, self.error_messages["rate_limited"])
        raise ImmediateHttpResponse(render(request, "account/signup.html", {"form": form}))

    def set_password(self, user: Any, password: str) -> None:
        """Set the password and end all other sessions of the user."""
        identity: Identity | None = getattr(self.request, "identity", None)
        own = identity.session_id if identity and identity.user.pk == user.pk else None
        password_set(
            user=user,
            password=password,
            keep_session_id=own,
            reason="password_change" if own else "password_reset",
        )

    def can_delete_email(self, email_address: Any) -> bool:
        """Whether it may be deleted: not the primary address, which has to be replaced first."""
        return not email_address.primary

    def confirm_email(self, request: HttpRequest, email_address: Any) -> bool:
        """Confirm the address; False where another account has confirmed it first."""
        try:
            with transaction.atomic():
                return bool(super().confirm_email(request, email_address))
        except IntegrityError:
            self.add_message(
                request,
                messages.ERROR,
                "account/messages/email_confirmation_failed.txt",
                {"email": email_address.email},
            )
            return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Enqueue a mail, or drop it silently over the recipient's rate limit."""
        try:
            MAIL.take(sha256(email.lower().encode()).hexdigest())
        except LimitExceeded:
            log.warning("mail_dropped", template=template_prefix)
            return
        site = {
            "request": self.request,
            "email": email,
            "current_site": get_current_site(self.request),
        }
        mail_enqueue(self.render_mail(template_prefix, email, {**site, **context}))
