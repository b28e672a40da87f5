"""What can go wrong with chats."""

from messenger.core import errors


class NotAdmin(errors.Forbidden):
    code = "not_admin"
    title = "Only the chat's owner and admins may do that"


class NotOwner(errors.Forbidden):
    code = "not_owner"
    title = "Only the chat's owner may do that"


class NotAcceptingMessages(errors.Forbidden):
    """Because of a privacy setting or a block: the two are never told apart."""

    code = "not_accepting_messages"
    title = "This person does not accept messages from you"


class PersonBlocked(errors.Forbidden):
    """The actor has blocked the other person of the direct chat."""

    code = "person_blocked"
    title = "You have blocked this person; unblock them first"


class DirectChatIsFixed(errors.Conflict):
    code = "direct_chat_is_fixed"
    title = "A direct chat has exactly its two people and no title"


class GroupFull(errors.Conflict):
    code = "group_full"
    title = "The group has as many members as a group may have"
