"""Errors of chats and their participants."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from messenger.core.errors import Conflict, Forbidden


class NotAdmin(Forbidden):
    code = "not_admin"
    title = _("Only the owner and admins can do that.")


class NotOwner(Forbidden):
    code = "not_owner"
    title = _("Only the owner can do that.")


class NotAcceptingMessages(Forbidden):
    """Because of a privacy setting or a block: the answer is the same for both."""

    code = "not_accepting_messages"
    title = _("This person doesn't accept messages from you.")


class PersonBlocked(Forbidden):
    """The actor has blocked the other person of the direct chat."""

    code = "person_blocked"
    title = _("You have blocked this person.")


class DirectChatIsFixed(Conflict):
    """A direct chat has exactly two people and no title of its own."""

    code = "direct_chat_is_fixed"
    title = _("That works only in groups.")


class GroupFull(Conflict):
    code = "group_full"
    title = _("This group is full.")
