"""Queries for the hub: what PostgreSQL has and the channel layer has lost. All of them block."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db.models.functions import Now

from apps.accounts.models import LoginSession
from apps.chats.models import Chat
from apps.chats.selectors import members_among, membership_marks, memberships_of, visibility_floors
from apps.messages import selectors
from apps.messages.models import Message
from apps.messages.serializers import message_out
from apps.messages.services import frames
from messenger.core.live import Body
from messenger.gateway import close_codes

BEYOND_ALL = 2**63
RECENT = 10  # seconds; several times the interval between two queries


@dataclass(slots=True)
class Missing:
    """Frames of a chat after a position in its order, and the chat's own position."""

    messages: list[Body]
    changes: list[Body]
    seq: int
    rev: int

    @property
    def is_partial(self) -> bool:
        """Whether there may be more than was read."""
        return max(len(self.messages), len(self.changes)) >= selectors.PER_CHAT


class Memberships:
    """Detects users whose memberships have changed since the last query."""

    def __init__(self) -> None:
        self._marks: dict[UUID, int] = {}

    def changed(self, user_ids: list[UUID]) -> dict[UUID, dict[UUID, int]]:
        """`memberships_of` the users who are new or whose chats differ from the last call's."""
        marks = dict.fromkeys(user_ids, 0) | membership_marks(user_ids)
        changed = [one for one in user_ids if self._marks.get(one) != marks[one]]
        found = memberships_of(changed) if changed else {}
        self._marks = marks
        return found


def positions(chat_ids: list[UUID]) -> dict[UUID, tuple[int, int]]:
    """The last `seq` and `rev` of each chat, in one query."""
    rows = Chat.objects.filter(pk__in=chat_ids).values_list("id", "last_seq", "last_rev")
    return {chat_id: (seq, rev) for chat_id, seq, rev in rows}


def missing(chat_id: UUID, seq: int, rev: int, user_ids: set[UUID]) -> Missing:
    """The messages and changes of a chat after `seq` and `rev`, at most 500 of each.

    Each is hidden from those of `user_ids` who take part no longer, or did not at its time.
    """
    at_seq, at_rev = positions([chat_id]).get(chat_id, (seq, rev))
    found = selectors.messages_since(chat_id, seq), selectors.changes_since(chat_id, rev)
    # Memberships are read after the texts: a person removed in between gets no later message.
    _, members = members_among(chat_id, user_ids)
    hidden = visibility_floors(chat_id) | dict.fromkeys(user_ids - members, BEYOND_ALL)
    messages = [
        _frame(frames.message_text(message_out(message)), message, hidden, seq=message.seq)
        for message in found[0]
    ]
    changes = [
        _frame(frames.change_text(message), message, hidden, rev=message.rev)
        for message in found[1]
    ]
    return Missing(messages, changes, at_seq, at_rev)


def ended_sessions(session_ids: list[UUID]) -> dict[UUID, int]:
    """Those of the login sessions that have been revoked or deleted, with the close code."""
    found = LoginSession.objects.filter(pk__in=session_ids)
    living = found.filter(revoked_at=None, user__is_active=True)
    reasons = dict(found.values_list("id", "revoke_reason"))
    ended = set(session_ids) - set(living.values_list("id", flat=True))
    return {one: close_codes.of_ended(reasons.get(one, "")) for one in ended}


def recently_ended() -> dict[UUID, int]:
    """Login sessions that were revoked within the last seconds, by the database's clock, with the
    close code."""
    just_now = Now() - timedelta(seconds=RECENT)
    rows = LoginSession.objects.filter(revoked_at__gt=just_now)
    return {one: close_codes.of_ended(why) for one, why in rows.values_list("id", "revoke_reason")}


def resync(chat_id: UUID) -> Body:
    """The frame that sends clients to REST for a chat with too many missing messages."""
    return _body(frames.resync([chat_id]))


def _frame(
    text: str, message: Message, floors: dict[UUID, int], *, seq: int = 0, rev: int = 0
) -> Body:
    hidden_from = [str(user_id) for user_id, floor in floors.items() if floor >= message.seq]
    return _body(text, hidden_from, seq=seq, rev=rev)


def _body(text: str, hidden_from: list[str] | None = None, *, seq: int = 0, rev: int = 0) -> Body:
    return {"text": text, "seq": seq, "rev": rev, "skip": "", "hidden_from": hidden_from or ()}
