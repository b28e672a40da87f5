"""The mails of accounts: what is sent when, and how any mail leaves; templates and links are
allauth's and the adapter's."""

from __future__ import annotations

from typing import Any

import structlog
from allauth.account.adapter import get_adapter
from allauth.account.forms import EmailAwarePasswordResetTokenGenerator
from allauth.account.internal.flows.password_reset import request_password_reset
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from django.core.mail import EmailMultiAlternatives
from django.http import HttpRequest
from kombu.exceptions import OperationalError

from apps.accounts.models import User
from apps.accounts.selectors import person_with_email
from apps.accounts.services.registration import Registration
from apps.accounts.tasks import send_mail
from messenger.core.redis import breaker

log = structlog.get_logger("messenger.accounts")


def send_registration(request: HttpRequest, result: Registration, email: str) -> None:
    """The confirmation link; or to the owner of a known address, that there is an account."""
    if result.user is None:
        get_adapter(request).send_account_already_exists_mail(email)
    else:
        send_confirmation(request, result.user, signup=True)


def send_confirmation(request: HttpRequest, user: User, *, signup: bool = False) -> None:
    """The link that confirms the person's present address."""
    address, _created = EmailAddress.objects.get_or_create(
        user=user, email=user.email.lower(), defaults={"primary": False}
    )
    EmailConfirmationHMAC.create(address).send(request, signup=signup)


def send_password_reset(request: HttpRequest, email: str) -> None:
    """The link that sets a new password; a stranger's address is told that it has no account."""
    person = person_with_email(email)
    users = [person] if person is not None and person.is_active else []
    request_password_reset(request, email, users, EmailAwarePasswordResetTokenGenerator())


def deliver(message: Any) -> None:
    """Put a ready mail in the queue; with the queue out of reach, send it here and now."""
    html = next(
        (body for body, kind in getattr(message, "alternatives", []) if kind == "text/html"), ""
    )
    mail = (message.subject, message.body, html, message.from_email, message.to[0])
    mail += (message.extra_headers,)
    # The limit was asked for just now: a Redis that hangs has opened the breaker by then.
    if not breaker.closed:
        return _send_now(message)
    try:
        send_mail.apply_async(mail, retry=False, argsrepr="(a mail)")
    except OperationalError:
        breaker.failed()
        _send_now(message)


def _send_now(message: EmailMultiAlternatives) -> None:
    try:
        message.send()
    except OSError as error:  # also what smtplib raises
        log.error("mail_failed", error=type(error).__name__)
