"""What a device has missed: after a reconnect, on `sync`, and for the hub's healing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from apps.chats.models import Participant
from apps.messages.models import Message
from apps.messages.serializers import SyncPosition, message_out

PER_CHAT = 500
IN_ALL = 5000

Positions = Mapping[UUID, SyncPosition]


@dataclass(slots=True)
class Replay:
    """Messages oldest first, changes to messages already held, where each chat stands, and the
    chats that hold too much to be replayed."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    changes: list[Message] = field(default_factory=list)
    last_seqs: dict[UUID, int] = field(default_factory=dict)
    last_revs: dict[UUID, int] = field(default_factory=dict)
    resync: list[UUID] = field(default_factory=list)


def replay_for(user_id: UUID, positions: Positions | None = None) -> Replay:
    """What the person has not had: since the given positions, else since their receipts.

    At most 500 messages a chat and 5,000 in all; chats with more are named in `resync`. Chats
    that are not the person's are passed over in silence. Three queries.
    """
    rows = Participant.objects.filter(user_id=user_id, left_at=None).select_related("chat")
    if positions is not None:
        rows = rows.filter(chat_id__in=list(positions))
    starts: dict[UUID, int] = {}
    revs: dict[UUID, int] = {}
    replay = Replay()
    for row in rows:
        held = positions.get(row.chat_id) if positions is not None else None
        start = max(held.seq if held else row.delivered_seq, row.hidden_seq)
        if held or row.chat.last_seq > start:
            replay.last_seqs[row.chat_id] = row.chat.last_seq
            replay.last_revs[row.chat_id] = row.chat.last_rev
        if row.chat.last_seq > start:
            starts[row.chat_id] = start
        if held and held.rev is not None and row.chat.last_rev > held.rev:
            revs[row.chat_id] = held.rev
    found = messages_since(starts)
    got = {message.chat_id: message.seq for message in found}
    replay.messages = [message_out(message) for message in found]
    replay.resync = [
        chat_id for chat_id in starts if got.get(chat_id, 0) < replay.last_seqs[chat_id]
    ]
    held_seqs = {chat_id: positions[chat_id].seq for chat_id in revs} if positions else {}
    replay.changes = [row for row in changes_since(revs) if row.seq <= held_seqs[row.chat_id]]
    return replay


def messages_since(starts: Mapping[UUID, int]) -> list[Message]:
    """Messages after each chat's `seq`, in the order they were written; bounded as above."""
    return _since(starts, "seq")


def changes_since(starts: Mapping[UUID, int]) -> list[Message]:
    """Messages edited or deleted after each chat's `rev`, in that order; bounded as above."""
    return _since(starts, "rev")


def _since(starts: Mapping[UUID, int], key: str) -> list[Message]:
    if not starts:
        return []
    parameters = [list(starts), list(starts.values())]
    return list(Message.objects.raw(SINCE[key], parameters))


# A chat at a time through its index, whatever the number of chats.
SINCE = {
    key: (
        "SELECT m.* FROM unnest(%s::uuid[], %s::bigint[]) AS s(chat_id, start),"  # noqa: S608
        f" LATERAL (SELECT * FROM messaging_message WHERE chat_id = s.chat_id"
        f"   AND {key} > s.start {only} ORDER BY {key} LIMIT {PER_CHAT}) m"
        f" ORDER BY m.chat_id, m.{key} LIMIT {IN_ALL}"
    )
    for key, only in (("seq", ""), ("rev", "AND rev > 0"))
}
