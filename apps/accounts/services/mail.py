"""Mails leave through the task queue, or directly while the queue is out of reach."""

from __future__ import annotations

import structlog
from celery import current_app
from django.core.mail import EmailMultiAlternatives
from kombu.exceptions import OperationalError

from messenger.core.redis import breaker

log = structlog.get_logger("messenger.accounts")
TASK = "accounts.send_mail"


def mail_enqueue(message: EmailMultiAlternatives) -> None:
    """Enqueue a complete mail to one recipient.

    Without the queue the mail is sent in the calling thread; a mail server that refuses it or does
    not answer is logged, and the mail is lost.
    """
    # The mail's rate limit was checked just before: if Redis hangs, the breaker is open by now.
    if not breaker.closed:
        return _send_now(message)
    html = next(
        (body for body, kind in getattr(message, "alternatives", []) if kind == "text/html"), ""
    )
    mail = (message.subject, message.body, html, message.from_email, message.to[0])
    headers = {"headers": message.extra_headers}
    try:
        current_app.send_task(TASK, mail, headers, retry=False, argsrepr="(a mail)")
    except OperationalError:
        breaker.failed()
        _send_now(message)


def _send_now(message: EmailMultiAlternatives) -> None:
    try:
        message.send()
    except OSError as error:  # smtplib's exceptions derive from it
        log.error("mail_failed", error=type(error).__name__)
