"""Mails of accounts. Templates and links are allauth's and the adapter's."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from allauth.account.forms import EmailAwarePasswordResetTokenGenerator
from allauth.account.internal.flows.password_reset import request_password_reset
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from django.http import HttpRequest

from apps.accounts.models import User
from apps.accounts.selectors import person_with_email
from apps.accounts.services.registration import Registration


def send_registration(request: HttpRequest, result: Registration, email: str) -> None:
    """Mail the confirmation link; to an address in use, that it has an account already."""
    if result.user is None:
        get_adapter(request).send_account_already_exists_mail(email)
    else:
        send_confirmation(request, result.user, signup=True)


def send_confirmation(request: HttpRequest, user: User, *, signup: bool = False) -> None:
    """Mail the link that confirms the user's current address."""
    address, _created = EmailAddress.objects.get_or_create(
        user=user, email=user.email.lower(), defaults={"primary": False}
    )
    EmailConfirmationHMAC.create(address).send(request, signup=signup)


def send_password_reset(request: HttpRequest, email: str) -> None:
    """Mail the link for a new password; to an unknown address, that it has no account."""
    person = person_with_email(email)
    users = [person] if person is not None and person.is_active else []
    request_password_reset(request, email, users, EmailAwarePasswordResetTokenGenerator())
