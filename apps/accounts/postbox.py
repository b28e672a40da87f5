"""How a ready mail leaves: through the queue, or at once where there is none."""

from __future__ import annotations

from typing import Any

import structlog
from django.core.mail import EmailMultiAlternatives
from kombu.exceptions import OperationalError

from apps.accounts.tasks import send_mail
from messenger.core.redis import breaker

log = structlog.get_logger("messenger.accounts")


def deliver(message: Any) -> None:
    """Put a ready mail in the queue; with the queue out of reach, send it here and now."""
    html = next(
        (body for body, kind in getattr(message, "alternatives", []) if kind == "text/html"), ""
    )
    mail = (message.subject, message.body, html, message.from_email, message.to[0])
    # The limit was asked for just now: a Redis that hangs has opened the breaker by then.
    if not breaker.closed:
        return _send_now(message)
    try:
        headers = {"headers": message.extra_headers}
        send_mail.apply_async(mail, headers, retry=False, argsrepr="(a mail)")
    except OperationalError:
        breaker.failed()
        _send_now(message)


def _send_now(message: EmailMultiAlternatives) -> None:
    try:
        message.send()
    except OSError as error:  # also what smtplib raises
        log.error("mail_failed", error=type(error).__name__)
