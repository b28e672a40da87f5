"""Tasks that send mails and prune sessions, devices and notifications."""

from __future__ import annotations

from celery import shared_task
from django.core.mail import EmailMultiAlternatives

from apps.accounts.services.devices import devices_prune
from apps.accounts.services.notifications import notifications_prune
from apps.accounts.services.sessions import sessions_prune


@shared_task(name="accounts.prune_sessions")
def prune_sessions() -> int:
    """Delete old sessions; beat enqueues this every hour."""
    return sessions_prune()


@shared_task(name="accounts.prune_notifications")
def prune_notifications() -> int:
    """Delete old notifications and unreachable devices; beat enqueues this every hour."""
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
    """Hand a mail to the mail server; retried for about half an hour."""
    message = EmailMultiAlternatives(subject, text, sender, [recipient], headers=headers)
    if html:
        message.attach_alternative(html, "text/html")
    message.send()
