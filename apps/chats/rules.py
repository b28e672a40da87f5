"""What a person may do in a chat: one policy per kind of chat, asked by every entry point."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from apps.chats.errors import (
    DirectChatIsFixed,
    NotAcceptingMessages,
    NotAdmin,
    NotOwner,
    PersonBlocked,
)
from apps.chats.models import Chat, Participant
from messenger.core.errors import DomainError, NotFound

RANK = {Participant.Role.MEMBER: 0, Participant.Role.ADMIN: 1, Participant.Role.OWNER: 2}


class Action(enum.Enum):
    """What somebody may want to do in a chat. `REMOVE` and `SET_ROLE` have a target person."""

    READ = "read"  # the chat, its messages, participants and receipts
    SEND = "send"
    EDIT = "edit"  # one's own message
    TYPE = "type"  # show that one is typing
    DELETE_OWN = "delete_own"  # one's own message, for everyone
    DELETE_ANY = "delete_any"  # somebody else's message, for everyone
    UPDATE = "update"  # title, description, history
    ADD = "add"  # people
    REMOVE = "remove"  # somebody else
    SET_ROLE = "set_role"
    LEAVE = "leave"
    DELETE_CHAT = "delete_chat"


@dataclass(frozen=True, slots=True)
class Standing:
    """One person in one chat; `participant` is None for those who take no part in it."""

    chat: Chat
    user_id: UUID
    participant: Participant | None

    @property
    def rank(self) -> int:
        """-1 for outsiders, then by role."""
        return RANK[Participant.Role(self.participant.role)] if self.participant else -1

    @property
    def hidden_seq(self) -> int:
        """The last `seq` that this person may not see."""
        return self.participant.hidden_seq if self.participant else 0

    @property
    def mine(self) -> Participant:
        """The participant row, for code behind a policy that refuses everybody without one.

        Raises `LookupError` where the policy did not.
        """
        if self.participant is None:
            raise LookupError("no policy has asked whether the person takes part")
        return self.participant


@dataclass(frozen=True, slots=True)
class Request:
    """What a condition looks at; `target` is the standing of the person acted upon."""

    standing: Standing
    target: Standing | None = None


Condition = Callable[[Request], DomainError | None]
Policy = Mapping[Action, Sequence[Condition]]


def takes_part(request: Request) -> DomainError | None:
    """For outsiders there is no such chat."""
    return None if request.standing.participant else NotFound()


def has_not_blocked(request: Request) -> DomainError | None:
    """In a direct chat: the person has not blocked the other one."""
    return PersonBlocked() if request.standing.mine.has_blocked else None


def is_not_blocked(request: Request) -> DomainError | None:
    """In a direct chat: the other one has not blocked the person."""
    return NotAcceptingMessages() if request.standing.mine.is_blocked else None


def is_admin(request: Request) -> DomainError | None:
    """Admin or owner of the group."""
    return None if request.standing.rank >= RANK[Participant.Role.ADMIN] else NotAdmin()


def is_owner(request: Request) -> DomainError | None:
    """Owner of the group."""
    return None if request.standing.rank >= RANK[Participant.Role.OWNER] else NotOwner()


def target_takes_part(request: Request) -> DomainError | None:
    """The person acted upon is in the group."""
    return None if request.target and request.target.participant else NotFound()


def outranks_target(request: Request) -> DomainError | None:
    """Only a higher role removes somebody."""
    target_rank = request.target.rank if request.target else -1
    return None if request.standing.rank > target_rank else NotAdmin()


def never(request: Request) -> DomainError | None:
    """A direct chat keeps its two people, and has nothing to administer."""
    return DirectChatIsFixed()


# The conditions of `READ` come before those of every other action: what a person may not see, they
# may not act upon either.
DIRECT: Policy = {
    Action.READ: (takes_part,),
    Action.SEND: (has_not_blocked, is_not_blocked),
    Action.EDIT: (has_not_blocked, is_not_blocked),
    Action.TYPE: (has_not_blocked, is_not_blocked),
    Action.DELETE_OWN: (),
    Action.DELETE_ANY: (never,),
    Action.UPDATE: (never,),
    Action.ADD: (never,),
    Action.REMOVE: (never,),
    Action.SET_ROLE: (never,),
    Action.LEAVE: (never,),
    Action.DELETE_CHAT: (never,),
}

GROUP: Policy = {
    Action.READ: (takes_part,),
    Action.SEND: (),
    Action.EDIT: (),
    Action.TYPE: (),
    Action.DELETE_OWN: (),
    Action.DELETE_ANY: (is_admin,),
    Action.UPDATE: (is_admin,),
    Action.ADD: (is_admin,),
    Action.REMOVE: (target_takes_part, outranks_target),
    Action.SET_ROLE: (is_owner, target_takes_part),
    Action.LEAVE: (),
    Action.DELETE_CHAT: (is_owner,),
}

POLICIES: dict[str, Policy] = {Chat.Kind.DIRECT: DIRECT, Chat.Kind.GROUP: GROUP}


def refusal_to(
    action: Action, standing: Standing, target: Standing | None = None
) -> DomainError | None:
    """The first reason of the chat's policy against `action`; None where it is allowed.

    Raises `KeyError` for a kind of chat, or an action, without a policy: there is no default.
    """
    request, policy = Request(standing, target), POLICIES[standing.chat.kind]
    reading = policy[Action.READ] if action is not Action.READ else ()
    for condition in (*reading, *policy[action]):
        refusal = condition(request)
        if refusal is not None:
            return refusal
    return None


def allowed_actions(standing: Standing) -> frozenset[Action]:
    """What the person may do, without actions on a target; pages do not show the rest."""
    actions = (action for action in Action if action not in (Action.REMOVE, Action.SET_ROLE))
    return frozenset(action for action in actions if refusal_to(action, standing) is None)


def is_muted(until: datetime | None, now: datetime) -> bool:
    """Whether a person has switched a chat's notifications off for now."""
    return until is not None and until > now


def heir(remaining: Sequence[Participant]) -> Participant | None:
    """Who inherits a group from its last owner: the oldest admin, else the oldest member."""
    return min(
        remaining,
        key=lambda one: (-RANK[Participant.Role(one.role)], one.joined_at, one.pk),
        default=None,
    )
