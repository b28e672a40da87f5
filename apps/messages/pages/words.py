"""What the scripts say, in the reader's language; the pages hand it over as data."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from apps.messages.pages.bubbles import day_label


def words() -> dict[str, str]:
    """Every sentence that a script may show."""
    return {
        "today": _("Today"),
        "yesterday": _("Yesterday"),
        "you": _("You"),
        "deleted": _("Message deleted"),
        "deletedAccount": _("Deleted account"),
        "draft": _("Draft"),
        "nothingYet": _("No messages yet"),
        "pending": _("Sending"),
        "sent": _("Sent"),
        "delivered": _("Delivered"),
        "read": _("Read"),
        "failed": _("Not sent"),
        "retry": _("Try again"),
        "discard": _("Discard"),
        "offline": _("No connection. What you write is sent once it is back."),
        "connecting": _("Connecting…"),
        "fresh": _("New messages"),
        "copied": _("Copied"),
        "deleteAsk": _("Delete this message?"),
        "deleteNote": _("It disappears for everybody in the chat."),
        "delete": _("Delete"),
        "editing": _("Editing the message"),
        "edited": _("Message edited"),
        "removed": _("You are no longer in this chat."),
        "people": _("People"),
        "chats": _("Chats"),
        "nobody": _("Nobody and nothing found for “{q}”."),
        "hint": _("Type the beginning of a name or a title."),
        "searchFailed": _("The search did not work. Try again in a moment."),
        "remove": _("Remove {name}"),
        "tooFast": _("That was too fast. It goes on in a moment."),
        "online": _("online"),
        "seenAt": _("last seen at {time}"),
        "seenYesterday": _("last seen yesterday"),
        "seenOn": _("last seen on {day}"),
        "typing": _("is typing…"),
        "typingOne": _("{name} is typing…"),
        "typingTwo": _("{name} and {other} are typing…"),
        "typingMany": _("Several people are typing…"),
        "somebody": _("Somebody"),
        "failedAction": _("That did not work. Try again."),
        **refusals(),
    }


def seen_line(person: dict[str, Any]) -> str:
    """Whether a person is here, or when they last were; empty where that is not told."""
    if person["status"] == "online":
        return _("online")
    if person["last_seen_at"] is None:
        return ""
    at, today = timezone.localtime(person["last_seen_at"]), timezone.localdate()
    if at.date() == today:
        return _("last seen at {time}").format(time=date_format(at, "H:i"))
    if at.date() == today - timedelta(days=1):
        return _("last seen yesterday")
    return _("last seen on {day}").format(day=day_label(at.date()))


def refusals() -> dict[str, str]:
    """What is said to a person whom a service refuses, by the error's code."""
    return {
        "rate_limited": _("That was too fast. Wait a moment, then try again."),
        "not_accepting_messages": _("This person does not take messages from you."),
        "person_blocked": _("You have blocked this person."),
        "edit_window_over": _("The message is too old to be edited."),
        "message_deleted": _("The message has been deleted."),
        "not_author": _("Only the author may do that."),
        "not_admin": _("Only the owner and the admins may do that."),
        "not_owner": _("Only the owner may do that."),
        "group_full": _("The group has as many members as a group may have."),
        "not_found": _("That is gone, or not yours to see."),
    }
