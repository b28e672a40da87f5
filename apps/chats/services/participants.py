"""Participants of a group: adding, leaving, removing, roles."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.accounts.services.notifications import notifications_delete
from apps.chats import rules, selectors
from apps.chats.errors import GroupFull, NotOwner
from apps.chats.events import ParticipantJoined, ParticipantLeft, RoleChanged
from apps.chats.models import Chat, Participant
from apps.chats.rules import Action
from apps.chats.services import frames
from apps.chats.services.groups import people, refuse_strangers
from messenger.core import live
from messenger.core.events import emit


@transaction.atomic
def participants_add(
    *, actor_id: UUID, chat_id: UUID, user_ids: Iterable[UUID]
) -> list[Participant]:
    """Add people to a group; those who take part already are left unchanged.

    Newcomers see earlier messages only where the group shares its history.
    Raises the policy's refusal to `ADD`, `InvalidInput`, `NotAcceptingMessages`, `GroupFull`.
    """
    chat = selectors.access_chat(actor_id, chat_id, Action.ADD, lock=True).chat
    wanted = people(user_ids, field="user_ids")
    rows = {row.user_id: row for row in Participant.objects.filter(chat=chat, user_id__in=wanted)}
    newcomers = sorted(user_id for user_id in wanted if _is_out(rows.get(user_id)))
    refuse_strangers(actor_id, newcomers)
    if chat.participant_count + len(newcomers) > settings.GROUP_SIZE_LIMIT + 1:
        raise GroupFull
    joined = [_joined(chat, rows.get(user_id), user_id) for user_id in newcomers]
    Participant.objects.bulk_create([row for row in joined if row.pk is None])
    Participant.objects.bulk_update([row for row in joined if row.user_id in rows], JOIN_FIELDS)
    _count_members(chat, len(joined))
    for row in joined:
        emit(
            ParticipantJoined(chat_id=chat.id, user_id=row.user_id, role=row.role),
            actor_id=actor_id,
        )
    live.push(
        [
            *frames.chat_created(chat, newcomers),
            *(frames.participant_joined(chat, row) for row in joined),
        ]
    )
    return joined


@transaction.atomic
def participant_remove(*, actor_id: UUID, chat_id: UUID, user_id: UUID) -> None:
    """Remove somebody, or leave. The last owner's group passes to its oldest admin or member.

    Raises the policy's refusal to `REMOVE` or `LEAVE`.
    """
    if user_id == actor_id:
        leaving = selectors.access_chat(actor_id, chat_id, Action.LEAVE, lock=True)
    else:
        _, leaving = selectors.access_target(actor_id, chat_id, Action.REMOVE, user_id)
    chat, target = leaving.chat, leaving.mine
    selectors.lock_receipts([chat.id])
    # Their cursors may have moved until the lock was held.
    target.refresh_from_db(fields=["delivered_seq", "read_seq"])
    was_owner = target.role == Participant.Role.OWNER
    target.left_at = timezone.now()
    target.role = Participant.Role.MEMBER
    target.save(update_fields=["left_at", "role"])
    _count_members(chat, -1)
    notifications_delete(user_ids=[user_id], thread=chat.id)
    left = ParticipantLeft(
        chat_id=chat.id,
        user_id=user_id,
        delivered_seq=target.delivered_seq,
        read_seq=target.read_seq,
    )
    emit(left, actor_id=actor_id)
    live.push([frames.participant_left(chat, user_id), *frames.chat_removed(chat.id, [user_id])])
    if was_owner:
        _pass_on(chat, actor_id)


@transaction.atomic
def participant_set_role(*, actor_id: UUID, chat_id: UUID, user_id: UUID, role: str) -> Participant:
    """Promote or demote; `owner` hands the group over.

    Raises the policy's refusal to `SET_ROLE`, and `NotOwner` for an owner's own demotion.
    """
    standing, standing_of_target = selectors.access_target(
        actor_id, chat_id, Action.SET_ROLE, user_id
    )
    chat, target = standing.chat, standing_of_target.mine
    selectors.lock_receipts([chat.id])
    if user_id == actor_id:
        if role != Participant.Role.OWNER:
            raise NotOwner("Hand the group to somebody else first.")
        return target
    if role == Participant.Role.OWNER:
        _set_role(chat, standing.mine, Participant.Role.ADMIN, actor_id)
    _set_role(chat, target, role, actor_id)
    return target


JOIN_FIELDS = [
    *("left_at", "joined_at", "hidden_seq", "delivered_seq", "read_seq", "role", "may_post")
]


def _is_out(row: Participant | None) -> bool:
    return row is None or row.left_at is not None


def _joined(chat: Chat, row: Participant | None, user_id: UUID) -> Participant:
    row = row or Participant(chat=chat, user_id=user_id)
    row.left_at = None
    row.joined_at = timezone.now()
    row.role = Participant.Role.MEMBER
    row.may_post = None
    row.hidden_seq = 0 if chat.shares_history else chat.last_seq
    # Earlier messages are history: none of them counts as unread or undelivered.
    row.delivered_seq = row.read_seq = chat.last_seq
    return row


def _count_members(chat: Chat, change: int) -> None:
    chat.participant_count += change
    chat.members_rev += 1
    chat.save(update_fields=["participant_count", "members_rev", "updated_at"])


def _pass_on(chat: Chat, actor_id: UUID) -> None:
    remaining = list(selectors.active_participants(chat.id))
    heir = rules.heir(remaining)
    if heir is not None and not any(one.role == Participant.Role.OWNER for one in remaining):
        _set_role(chat, heir, Participant.Role.OWNER, actor_id)


def _set_role(chat: Chat, target: Participant, role: str, actor_id: UUID) -> None:
    target.role, target.may_post = role, None
    target.save(update_fields=["role", "may_post"])
    emit(RoleChanged(chat_id=chat.id, user_id=target.user_id, role=role), actor_id=actor_id)
    live.push([frames.participant_joined(chat, target)])
