"""Housekeeping of login sessions, and mails on their way."""

from __future__ import annotations

from celery import shared_task
from django.core.mail import EmailMultiAlternatives

from apps.accounts.services.sessions import sessions_prune


@shared_task(name="accounts.prune_sessions")
def prune_sessions() -> int:
    """Delete long ended sessions; beat calls it every hour."""
    return sessions_prune()


@shared_task(
    name="accounts.send_mail",
    autoretry_for=(OSError,),  # also what smtplib raises
    retry_backoff=5,
    retry_backoff_max=600,
    retry_jitter=True,
    max_retries=8,
)
def send_mail(subject: str, text: str, html: str, sender: str, recipient: str) -> None:
    """Hand a ready mail to the mail server; tried again for about half an hour."""
    message = EmailMultiAlternatives(subject, text, sender, [recipient])
    if html:
        message.attach_alternative(html, "text/html")
    message.send()
