"""Every read of chats; `access_*` load, ask the policy, lock and raise."""

from apps.chats.selectors.access import (
    access_chat,
    access_target,
    standing_in,
    standing_of,
    standings,
)
from apps.chats.selectors.participants import (
    active_participants,
    contacts_sharing_a_chat,
    direct_chat_between,
    lock_receipts,
    members_among,
    membership_marks,
    memberships_of,
    participant_page_for,
    participants_for,
    serialized_participants,
    visibility_floors,
)
from apps.chats.selectors.presence import Audience, audiences_of, people_in_sight_of

__all__ = [
    "Audience",
    "access_chat",
    "access_target",
    "active_participants",
    "audiences_of",
    "contacts_sharing_a_chat",
    "direct_chat_between",
    "lock_receipts",
    "members_among",
    "membership_marks",
    "memberships_of",
    "participant_page_for",
    "participants_for",
    "people_in_sight_of",
    "serialized_participants",
    "standing_in",
    "standing_of",
    "standings",
    "visibility_floors",
]
