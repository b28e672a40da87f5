"""What the scripts say, in the reader's language; the pages hand it over as data."""

from __future__ import annotations

from django.utils.translation import gettext as _


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
        "failedAction": _("That did not work. Try again."),
        **refusals(),
    }


def refusals() -> dict[str, str]:
    """What is said to a person whom a service refuses, by the error's code."""
    return {
        "rate_limited": _("That was too fast. Wait a moment, then try again."),
        "not_accepting_messages": _("This person takes messages only from people they know."),
        "edit_window_over": _("The message is too old to be edited."),
        "message_deleted": _("The message has been deleted."),
        "not_author": _("Only the author may do that."),
        "not_admin": _("Only the owner and the admins may do that."),
        "not_owner": _("Only the owner may do that."),
        "group_full": _("The group has as many members as a group may have."),
        "not_found": _("That is gone, or not yours to see."),
    }
