"""Keeping the marks of participants true when what they may do changes."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from apps.accounts.events import UserBlocked, UserUnblocked
from apps.chats import selectors
from apps.chats.models import Participant
from apps.chats.rules import Action, Standing, refusal_to
from apps.chats.services import frames
from messenger.core import live
from messenger.core.errors import DomainError


def posting_refusals(wanted: Iterable[Standing]) -> list[DomainError | None]:
    """The policy's answer to sending, per standing; marks that differ are written back.

    For senders whose mark is missing, stale or false. Precondition: the chats' row locks are held.
    One statement for each value of the mark, none where all marks hold already.
    """
    asked = list(wanted)
    refusals = [refusal_to(Action.SEND, standing) for standing in asked]
    wrong: dict[bool, list[Standing]] = {True: [], False: []}
    for standing, refusal in zip(asked, refusals, strict=True):
        may_post, row = refusal is None, standing.participant
        is_marked = row is not None and row.may_post is may_post and not row.may_post_until
        if row is not None and not (is_marked and row.authority_rev == standing.chat.authority_rev):
            wrong[may_post].append(standing)
    if any(wrong.values()):
        selectors.lock_receipts({one.chat.id for rows in wrong.values() for one in rows})
    for may_post, rows in wrong.items():
        _write_marks(rows, may_post=may_post)
    return refusals


def _write_marks(rows: list[Standing], *, may_post: bool) -> None:
    by_rev: dict[int, list[int]] = {}
    for one in rows:
        by_rev.setdefault(one.chat.authority_rev, []).append(one.mine.pk)
    for authority_rev, ids in by_rev.items():
        Participant.objects.filter(pk__in=ids).update(
            may_post=may_post, may_post_until=None, authority_rev=authority_rev
        )


def user_blocked(event: UserBlocked, actor_id: UUID | None) -> None:
    """Reaction: from this transaction on nothing is written in the direct chat of the two."""
    _copy_block(event.user_id, event.blocked_id, is_on=True)


def user_unblocked(event: UserUnblocked, actor_id: UUID | None) -> None:
    """Reaction: the direct chat is as open as the other person's blocks leave it."""
    _copy_block(event.user_id, event.blocked_id, is_on=False)


def _copy_block(blocker_id: UUID, blocked_id: UUID, *, is_on: bool) -> None:
    """Under the chat's lock: a message is either stored before the block or refused."""
    chat = selectors.direct_chat_between(blocker_id, blocked_id, lock=True)
    if chat is None:
        return
    selectors.lock_receipts([chat.id])
    rows = Participant.objects.filter(chat=chat)
    rows.filter(user_id=blocker_id).update(has_blocked=is_on, may_post=None)
    rows.filter(user_id=blocked_id).update(is_blocked=is_on, may_post=None)
    live.push([frames.chat_updated_for(chat, blocker_id)])  # the blocked person learns nothing
