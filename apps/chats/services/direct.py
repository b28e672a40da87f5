"""Opening the one direct chat of two people."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from apps.accounts.selectors import (
    access_person,
    blocks_between,
    contacts_only_strangers,
    lock_pair,
)
from apps.chats import selectors
from apps.chats.errors import NotAcceptingMessages
from apps.chats.events import ChatCreated
from apps.chats.models import Chat, Participant
from apps.chats.rules import Action, Standing, refusal_to
from apps.chats.services import frames
from messenger.core import live
from messenger.core.errors import InvalidInput
from messenger.core.events import emit
from messenger.core.throttles import Limit


def chat_open_direct(
    *, actor_id: UUID, user_id: UUID, new_chat_limit: Limit | None = None
) -> tuple[Chat, bool]:
    """The direct chat of two people, and whether it is new. There is never a second one.

    Raises `NotFound` for an unknown person, `InvalidInput` for oneself, `NotAcceptingMessages`
    where the other's privacy or block forbids a first contact, `PersonBlocked` for one's own block,
    `LimitExceeded` where the entry point's limit on new chats is reached.
    """
    if actor_id == user_id:
        raise InvalidInput("A direct chat needs somebody else.")
    existing = selectors.direct_chat_between(actor_id, user_id)
    if existing:
        return existing, False
    access_person(actor_id, user_id)
    if contacts_only_strangers(actor_id, [user_id]):
        raise NotAcceptingMessages
    if new_chat_limit:
        new_chat_limit.take(actor_id)
    return _create(actor_id, user_id)


@transaction.atomic
def _create(actor_id: UUID, user_id: UUID) -> tuple[Chat, bool]:
    low, high = sorted((actor_id, user_id))
    lock_pair(low, high)
    new = Chat(
        kind=Chat.Kind.DIRECT,
        created_by_id=actor_id,
        direct_low_id=low,
        direct_high_id=high,
        participant_count=2,
    )
    blockers = blocks_between(low, high)
    rows = [
        Participant(
            chat=new, user_id=one, has_blocked=one in blockers, is_blocked=other in blockers
        )
        for one, other in ((low, high), (high, low))
    ]
    (mine,) = (row for row in rows if row.user_id == actor_id)
    refusal = refusal_to(Action.SEND, Standing(new, actor_id, mine))
    if refusal is not None:
        raise refusal
    # The unique pair lets one of two concurrent inserts win; the other one finds that chat.
    Chat.objects.bulk_create([new], ignore_conflicts=True)
    chat = Chat.objects.get(direct_low_id=low, direct_high_id=high)
    if chat.id != new.id:
        return chat, False
    Participant.objects.bulk_create(rows)
    emit(
        ChatCreated(chat_id=chat.id, kind=chat.kind, title="", member_ids=[low, high]),
        actor_id=actor_id,
    )
    live.push(frames.chat_created(chat, (low, high)))
    return chat, True
