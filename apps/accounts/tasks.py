"""Housekeeping of login sessions, devices and notifications, and mails on their way."""

from __future__ import annotations

from celery import shared_task
from django.core.mail import EmailMultiAlternatives

from apps.accounts.services.devices import devices_prune
from apps.accounts.services.notifications import notifications_prune
from apps.accounts.services.sessions import sessions_prune


@shared_task(name="accounts.prune_sessions")
def prune_sessions() -> int:
    """Delete long ended sessions; beat calls it every hour."""
    return sessions_prune()


@shared_task(name="accounts.prune_away")
def prune_away() -> int:
    """Delete old notifications and dead devices; beat calls it every hour."""
    return notifications_prune() + devices_prune()


@shared_task(name="accounts.send_mail", retry_backoff=5, max_retries=14)
def send_mail(
    subject: str,
    text: str,
    html: str,
    sender: str,
    recipient: str,
    *,
    headers: dict[str, str] | None = None,
) -> None:
    """Hand a ready mail to the mail server; tried again for about half an hour."""
    message = EmailMultiAlternatives(subject, text, sender, [recipient], headers=headers)
    if html:
        message.attach_alternative(html, "text/html")
    message.send()
