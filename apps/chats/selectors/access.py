"""Loading a chat for somebody: their standing, and the policy's answer."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from apps.chats.models import Chat, Participant
from apps.chats.rules import Action, Standing, refusal_to
from messenger.core.errors import NotFound

Pair = tuple[UUID, UUID]  # (user, chat)


def standings(pairs: Collection[Pair]) -> dict[Pair, Standing]:
    """The standing of each (user, chat) pair, in one query; pairs without such a chat are missing.

    A second query loads the chats in which somebody of the pairs takes no part.
    """
    rows = _in_pairs(pairs).select_related("chat")
    found = {(row.user_id, row.chat_id): Standing(row.chat, row.user_id, row) for row in rows}
    missing = set(pairs) - found.keys()
    if missing:
        chats = Chat.objects.in_bulk({chat_id for _, chat_id in missing})
        found |= {
            (user_id, chat_id): Standing(chats[chat_id], user_id, None)
            for user_id, chat_id in missing
            if chat_id in chats
        }
    return found


def standing_in(chat: Chat, user_id: UUID) -> Standing:
    """The standing of one person in a chat that is loaded, or locked, already."""
    row = Participant.objects.active().filter(chat=chat, user_id=user_id).first()
    return Standing(chat, user_id, row)


def standing_of(user_id: UUID, chat_id: UUID, *, lock: bool = False) -> Standing:
    """One person's standing in one chat, before any policy was asked. Raises `NotFound`.

    With `lock` the chat's row is held until the end of the transaction.
    """
    if not lock:
        found = standings([(user_id, chat_id)])
        if not found:
            raise NotFound
        return found[user_id, chat_id]
    # First the lock, then the participant: the row may change while the lock is waited for.
    chat = Chat.objects.select_for_update(no_key=True).filter(pk=chat_id).first()
    if chat is None:
        raise NotFound
    return standing_in(chat, user_id)


def access_chat(
    user_id: UUID, chat_id: UUID, action: Action = Action.READ, *, lock: bool = False
) -> Standing:
    """The person's standing in a chat in which they may do `action`; raises the refusal.

    A chat that does not exist, and one in which an outsider may do nothing, is `NotFound`. With
    `lock` the chat's row is held until the end of the transaction; changes of participation,
    authority, messages and their order all hold it.
    """
    standing = standing_of(user_id, chat_id, lock=lock)
    refusal = refusal_to(action, standing)
    if refusal is not None:
        raise refusal
    return standing


def access_target(
    user_id: UUID, chat_id: UUID, action: Action, target_id: UUID
) -> tuple[Standing, Standing]:
    """The standings of the actor and of the person acted upon; raises the refusal.

    The chat's row is held until the end of the transaction.
    """
    standing = standing_of(user_id, chat_id, lock=True)
    target = standing_in(standing.chat, target_id)
    refusal = refusal_to(action, standing, target)
    if refusal is not None:
        raise refusal
    return standing, target


def _in_pairs(pairs: Collection[Pair]) -> QuerySet[Participant]:
    rows = Participant.objects.active()
    if len(pairs) == 1:
        ((user_id, chat_id),) = pairs
        return rows.filter(user_id=user_id, chat_id=chat_id)
    users, chats = [user_id for user_id, _ in pairs], [chat_id for _, chat_id in pairs]
    return rows.filter(pk__in=RawSQL(PAIRS, [users, chats]))  # noqa: S611


PAIRS = """
SELECT p.id FROM unnest(%s::uuid[], %s::uuid[]) AS q(user_id, chat_id)
JOIN chats_participant p USING (user_id, chat_id)
"""
