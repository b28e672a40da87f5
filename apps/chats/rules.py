"""Pure predicates on loaded chats and participants."""

from __future__ import annotations

from datetime import datetime

from apps.chats.errors import NotAcceptingMessages, PersonBlocked
from apps.chats.models import Chat, Participant
from messenger.core.errors import Forbidden

ADMINS = frozenset({Participant.Role.OWNER, Participant.Role.ADMIN})
RANK = {Participant.Role.MEMBER: 0, Participant.Role.ADMIN: 1, Participant.Role.OWNER: 2}


def is_admin(participant: Participant) -> bool:
    """Owner or admin."""
    return participant.role in ADMINS


def can_edit_chat(chat: Chat, participant: Participant) -> bool:
    """Title, description and who takes part: the admins of a group."""
    return chat.kind == Chat.Kind.GROUP and is_admin(participant)


def can_remove(actor: Participant, target: Participant) -> bool:
    """Oneself always; others only from a higher rank."""
    return actor.user_id == target.user_id or (
        is_admin(actor) and RANK[Participant.Role(actor.role)] > RANK[Participant.Role(target.role)]
    )


def refusal_to_write(has_blocked: bool, is_blocked: bool) -> Forbidden | None:
    """Why a participant with these marks may write nothing into their direct chat, if so."""
    if has_blocked:
        return PersonBlocked()
    return NotAcceptingMessages() if is_blocked else None


def is_muted(until: datetime | None, now: datetime) -> bool:
    """Whether a person wants to hear nothing of a chat now."""
    return until is not None and until > now


def heir(remaining: list[Participant]) -> Participant | None:
    """Who inherits a group from its last owner: the oldest admin, else the oldest member."""
    return min(
        remaining,
        key=lambda one: (-RANK[Participant.Role(one.role)], one.joined_at, one.pk),
        default=None,
    )
