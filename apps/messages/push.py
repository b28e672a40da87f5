"""What a push says: a title, a line, where it leads. Short, and only what its person allows."""

from __future__ import annotations

from typing import Any

from django.utils import translation
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.messages.selectors.told import Told
from messenger.core.templatetags.lumin import name_of

LINE = 160


def push_out(user: User, told: Told) -> dict[str, Any]:
    """What the page's service worker shows; `tag` lets a repeat replace itself."""
    message = told.message
    assert message is not None  # noqa: S101  # of what is deleted nothing is pushed
    with translation.override(user.locale):
        title = told.chat.title if told.chat.kind == "group" else name_of(told.peer)
        return {
            "title": title,
            "body": _line(user, told),
            "url": f"/chats/{told.chat.id}/",
            "tag": message.id,
            "chat_id": told.chat.id,
            "seq": message.seq,
        }


def _line(user: User, told: Told) -> str:
    is_mention = told.notification["kind"] == "mention"
    if not user.push_shows_text or told.message is None:
        return _("You were mentioned") if is_mention else _("New message")
    text = Truncator(" ".join(told.message.text.split())).chars(LINE)
    name = name_of(told.sender)
    if is_mention:
        return _("%(name)s mentioned you: %(text)s") % {"name": name, "text": text}
    return f"{name}: {text}" if told.chat.kind == "group" else text
