"""Errors of messages."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from messenger.core.errors import Conflict, Forbidden


class MessageIdConflict(Conflict):
    """The `message_id` is taken by another message."""

    code = "message_id_conflict"
    title = _("Couldn't send this. Write it again.")


class MessageDeleted(Conflict):
    code = "message_deleted"
    title = _("This message was deleted.")


class NotAuthor(Forbidden):
    code = "not_author"
    title = _("Only the author can do that.")


class EditWindowOver(Forbidden):
    code = "edit_window_over"
    title = _("This message is too old to edit.")
