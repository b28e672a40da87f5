"""Making, changing and ending groups."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.conf import settings
from django.db import transaction

from apps.accounts.selectors import blockers_of, contacts_only_strangers, people_active
from apps.accounts.services.notifications import notifications_delete
from apps.chats import selectors
from apps.chats.errors import GroupFull, NotAcceptingMessages
from apps.chats.events import ChatCreated, ChatDeleted, ChatUpdated
from apps.chats.models import Chat, Participant
from apps.chats.rules import Action
from apps.chats.services import frames
from messenger.core import live
from messenger.core.errors import InvalidInput
from messenger.core.events import emit


@transaction.atomic
def group_create(
    *,
    actor_id: UUID,
    title: str,
    member_ids: Iterable[UUID] = (),
    description: str = "",
    shares_history: bool = False,
) -> Chat:
    """A new group owned by the actor.

    Raises `InvalidInput` for unknown people, `NotAcceptingMessages`, `GroupFull`.
    """
    members = people(member_ids, field="member_ids") - {actor_id}
    refuse_strangers(actor_id, members)
    if len(members) + 1 > settings.GROUP_SIZE_LIMIT + 1:
        raise GroupFull
    chat = Chat.objects.create(
        kind=Chat.Kind.GROUP,
        title=title,
        description=description,
        created_by_id=actor_id,
        shares_history=shares_history,
        participant_count=len(members) + 1,
    )
    owner = Participant(chat=chat, user_id=actor_id, role=Participant.Role.OWNER)
    Participant.objects.bulk_create(
        [owner, *(Participant(chat=chat, user_id=member) for member in sorted(members))]
    )
    everybody = [actor_id, *sorted(members)]
    emit(
        ChatCreated(chat_id=chat.id, kind=chat.kind, title=title, member_ids=everybody),
        actor_id=actor_id,
    )
    live.push(frames.chat_created(chat, everybody))
    return chat


@transaction.atomic
def chat_update(
    *,
    actor_id: UUID,
    chat_id: UUID,
    title: str | None = None,
    description: str | None = None,
    shares_history: bool | None = None,
) -> Chat:
    """Change a group; None leaves a field. Raises the policy's refusal to `UPDATE`."""
    chat = selectors.access_chat(actor_id, chat_id, Action.UPDATE, lock=True).chat
    changes = {"title": title, "description": description, "shares_history": shares_history}
    changes = {name: value for name, value in changes.items() if value is not None}
    changes = {name: value for name, value in changes.items() if value != getattr(chat, name)}
    if not changes:
        return chat
    for name, value in changes.items():
        setattr(chat, name, value)
    chat.save(update_fields=[*changes, "updated_at"])
    emit(
        ChatUpdated(chat_id=chat.id, title=chat.title, description=chat.description),
        actor_id=actor_id,
    )
    live.push([frames.chat_updated(chat)])
    return chat


@transaction.atomic
def group_delete(*, actor_id: UUID, chat_id: UUID) -> None:
    """Delete a group with all its messages. Raises the policy's refusal to `DELETE_CHAT`."""
    chat = selectors.access_chat(actor_id, chat_id, Action.DELETE_CHAT, lock=True).chat
    selectors.lock_receipts([chat_id])
    members = list(selectors.active_participants(chat_id).values_list("user_id", flat=True))
    notifications_delete(user_ids=members, thread=chat.id)
    emit(ChatDeleted(chat_id=chat.id), actor_id=actor_id)
    live.push(frames.chat_removed(chat.id, members))
    chat.delete()


def refuse_strangers(actor_id: UUID, user_ids: Iterable[UUID]) -> None:
    """Raise `NotAcceptingMessages` if the actor may not add one of these people to a group.

    That is: somebody who has blocked the actor, or who accepts messages only from contacts and is
    none. A group must not be a way around either.
    """
    wanted = list(user_ids)
    if blockers_of(actor_id, wanted) or contacts_only_strangers(actor_id, wanted):
        raise NotAcceptingMessages


def people(user_ids: Iterable[UUID], *, field: str) -> set[UUID]:
    """The ids as a set; raises `InvalidInput` for those in `field` that are no active person's."""
    wanted = set(user_ids)
    unknown = wanted - people_active(wanted)
    if unknown:
        raise InvalidInput(
            errors=[
                {"field": field, "code": "unknown_person", "detail": str(user_id)}
                for user_id in sorted(unknown)
            ]
        )
    return wanted
