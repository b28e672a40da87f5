"""The content of a Web Push: title, one line of text, and the page it opens."""

from __future__ import annotations

from typing import Any

from django.utils import translation
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.messages.selectors.notified import NotifiedMessage
from messenger.core.templatetags.lumin import name_of

LINE = 160


def push_out(user: User, one: NotifiedMessage) -> dict[str, Any]:
    """The payload that the service worker shows; a repeat replaces the push of the same `tag`."""
    message = one.message
    assert message is not None  # noqa: S101  # the task skips deleted messages
    with translation.override(user.locale):
        title = one.chat.title if one.chat.kind == "group" else name_of(one.peer)
        return {
            "title": title,
            "body": _line(user, one),
            "url": f"/chats/{one.chat.id}/",
            "tag": message.id,
            "chat_id": one.chat.id,
            "seq": message.seq,
        }


def _line(user: User, one: NotifiedMessage) -> str:
    is_mention = one.notification["kind"] == "mention"
    if not user.push_shows_text or one.message is None:
        return _("You were mentioned") if is_mention else _("New message")
    text = Truncator(" ".join(one.message.text.split())).chars(LINE)
    name = name_of(one.sender)
    if is_mention:
        return _("%(name)s mentioned you: %(text)s") % {"name": name, "text": text}
    return f"{name}: {text}" if one.chat.kind == "group" else text
