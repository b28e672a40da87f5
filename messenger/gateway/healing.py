"""What the hub reads from PostgreSQL to make good what the channel layer lost."""

from __future__ import annotations

import time
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
from apps.messages.services.frames import change_text
from messenger.core.json import dumps
from messenger.core.live import Body
from messenger.gateway import close_codes
from messenger.gateway.connection import Connection

WARN_BEFORE = 30  # seconds before an access token ends
BEYOND_ALL = 2**63
RECENT = 10  # seconds; several times what lies between two looks


@dataclass(slots=True)
class Missing:
    """Frames after a place in a chat's order, where the chat stands, and whether that is all."""

    said: list[Body]
    changed: list[Body]
    seq: int
    rev: int

    @property
    def is_partial(self) -> bool:
        return max(len(self.said), len(self.changed)) >= selectors.PER_CHAT


class Memberships:
    """Notices whose chats have become others, although no frame said so."""

    def __init__(self) -> None:
        self._marks: dict[UUID, int] = {}

    def changed(self, user_ids: list[UUID]) -> dict[UUID, dict[UUID, int]]:
        """`memberships_of` those who were not asked about last time, or had other chats then."""
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
    """What was said and changed in a chat after `seq` and `rev`, at most 500 of each.

    It is hidden from those of `user_ids` who take part no longer, or did not when it was said.
    """
    at_seq, at_rev = positions([chat_id]).get(chat_id, (seq, rev))
    found = selectors.messages_since(chat_id, seq), selectors.changes_since(chat_id, rev)
    # Rights after texts: one who is removed in between gets nothing of what was said after it.
    _, members = members_among(chat_id, user_ids)
    hidden = visibility_floors(chat_id) | dict.fromkeys(user_ids - members, BEYOND_ALL)
    said = [
        _frame(dumps({"type": "message", **message_out(message)}), message, hidden, seq=message.seq)
        for message in found[0]
    ]
    changed = [
        _frame(change_text(message), message, hidden, rev=message.rev) for message in found[1]
    ]
    return Missing(said, changed, at_seq, at_rev)


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
    """The frame that sends clients to REST for a chat that has run away."""
    return _body(dumps({"type": "resync", "chats": [chat_id]}))


def removed(chat_id: UUID) -> str:
    """The frame that says that one takes part no longer."""
    return dumps({"type": "chat_removed", "chat_id": chat_id})


def check_token(connection: Connection) -> None:
    """Warn a connection whose access token is about to end; close it when it has."""
    if connection.expires_at is None:
        return
    left = connection.expires_at.timestamp() - time.time()
    if left <= 0:
        connection.close(close_codes.NOT_AUTHENTICATED)
    elif left <= WARN_BEFORE and not connection.warned:
        connection.warned = True
        connection.send({"type": "token_expiring"})


def _frame(
    text: str, message: Message, floors: dict[UUID, int], *, seq: int = 0, rev: int = 0
) -> Body:
    hidden_from = [str(user_id) for user_id, floor in floors.items() if floor >= message.seq]
    return _body(text, hidden_from, seq=seq, rev=rev)


def _body(text: str, hidden_from: list[str] | None = None, *, seq: int = 0, rev: int = 0) -> Body:
    return {"text": text, "seq": seq, "rev": rev, "skip": "", "hidden_from": hidden_from or ()}
