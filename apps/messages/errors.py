"""What can go wrong with messages."""

from messenger.core import errors


class MessageIdConflict(errors.Conflict):
    code = "message_id_conflict"
    title = "This message_id already names another message"


class MessageDeleted(errors.Conflict):
    code = "message_deleted"
    title = "The message has been deleted"


class NotAuthor(errors.Forbidden):
    code = "not_author"
    title = "Only the message's author may do that"


class EditWindowOver(errors.Forbidden):
    code = "edit_window_over"
    title = "The message is too old to be edited"
