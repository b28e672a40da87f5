"""The digest: a mail about unread messages."""

from __future__ import annotations

import zoneinfo
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.accounts.models import User
from apps.accounts.tokens import unsubscribe_token
from messenger.core.templatetags.lumin import chat_name

SHOWN = 10  # chats
LINE = 120


def digest(user: User, chats: list[dict[str, Any]]) -> EmailMultiAlternatives:
    """One mail about the unread chats, in the person's language; with texts only if they allow it.

    `chats` are `InboxChatOut`s, one at least.
    """
    unread = sum(chat["unread_count"] for chat in chats)
    stop = settings.PUBLIC_URL + reverse("unsubscribe", args=[unsubscribe_token(user.id)])
    with translation.override(user.locale), timezone.override(zoneinfo.ZoneInfo(user.time_zone)):
        subject = ngettext("%(n)s unread message", "%(n)s unread messages", unread) % {"n": unread}
        context = {
            "lead": _("While you were away:"),
            "action": _("Open %(site)s") % {"site": settings.SITE_NAME},
            "subject": f"{settings.SITE_NAME}: {subject}",
            "SITE_NAME": settings.SITE_NAME,
            "home": settings.PUBLIC_URL,
            "link": settings.PUBLIC_URL + reverse("inbox"),
            "rows": [_row(user, chat) for chat in chats[:SHOWN]],
            "more": max(0, len(chats) - SHOWN),
            "unsubscribe": stop,
        }
        text = render_to_string("mails/digest.txt", context)
        html = render_to_string("mails/digest.html", context)
    headers = {
        "List-Unsubscribe": f"<{stop}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    subject = " ".join(context["subject"].split())
    mail = EmailMultiAlternatives(subject, text, None, [user.email], headers=headers)
    mail.attach_alternative(html, "text/html")
    return mail


def _row(user: User, chat: dict[str, Any]) -> dict[str, Any]:
    last = chat["last_message"]
    shows = user.push_shows_text and last and not last["deleted_at"]
    return {
        "name": chat_name(chat),
        "unread": chat["unread_count"],
        "mentions": chat["mention_count"],
        "text": Truncator(" ".join(last["text"].split())).chars(LINE) if shows else "",
        "link": settings.PUBLIC_URL + reverse("conversation", args=[chat["id"]]),
    }
