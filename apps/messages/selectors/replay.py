"""What a device has missed: after a reconnect, on `sync`, and for the hub's healing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import Any
from uuid import UUID

from apps.chats.models import Participant
from apps.messages.models import Message
from apps.messages.serializers import SyncPosition, message_out

PER_CHAT = 500
IN_ALL = 5000
BYTES = 4 * 1024 * 1024  # about what the texts of one replay take
NOBODY = UUID(int=0)

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

    At most 500 messages a chat, 5,000 and 4 MiB in all; chats with more are named in `resync`.
    Chats that are not the person's are passed over in silence. Three queries.
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
    # At the handshake one's own messages are no news; on `sync` another device may lack them.
    found = _since(starts, "seq", user_id if positions is None else NOBODY, spare=1)
    replay.resync = _cut_off(found, list(starts))
    replay.messages = [
        message_out(message)
        for _, rows_of_chat in groupby(found[:IN_ALL], key=lambda one: one.chat_id)
        for message in islice(rows_of_chat, PER_CHAT)
    ]
    if positions is None:
        told = {message["chat_id"] for message in replay.messages} | set(replay.resync)
        replay.last_seqs = {key: seq for key, seq in replay.last_seqs.items() if key in told}
        replay.last_revs = {key: rev for key, rev in replay.last_revs.items() if key in told}
    held_seqs = {chat_id: positions[chat_id].seq for chat_id in revs} if positions else {}
    hidden = {row.chat_id: row.hidden_seq for row in rows}
    changed = _since(revs, "rev", spare=1)
    replay.resync += [one for one in _cut_off(changed, list(revs)) if one not in replay.resync]
    replay.changes = [
        row
        for row in changed[:IN_ALL]
        if hidden[row.chat_id] < row.seq <= held_seqs[row.chat_id]
        and row.chat_id not in replay.resync
    ]
    return replay


def messages_since(starts: Mapping[UUID, int]) -> list[Message]:
    """Messages after each chat's `seq`, in the order they were written; bounded as above."""
    return _since(starts, "seq")


def changes_since(starts: Mapping[UUID, int]) -> list[Message]:
    """Messages edited or deleted after each chat's `rev`, in that order; bounded as above."""
    return _since(starts, "rev")


def _cut_off(found: list[Message], chat_ids: list[UUID]) -> list[UUID]:
    """The chats that hold more than is replayed: each one's own limit, and the limit of all."""
    counts = Counter(message.chat_id for message in found)
    cut = {chat_id for chat_id, number in counts.items() if number > PER_CHAT}
    if len(found) > IN_ALL or (found and vars(found[-1])["upto"] >= BYTES):
        # Ordered by chat: the last one is cut, those after it are missing.
        cut |= {chat_id for chat_id in chat_ids if chat_id >= found[-1].chat_id}
    return [chat_id for chat_id in chat_ids if chat_id in cut]


def _since(
    starts: Mapping[UUID, int], key: str, skip_sender: UUID = NOBODY, *, spare: int = 0
) -> list[Message]:
    if not starts:
        return []
    limits = [PER_CHAT + spare, IN_ALL + spare]
    parameters = [list(starts), list(starts.values()), skip_sender, *limits]
    return list(Message.objects.raw(SINCE[key], parameters))


# A chat at a time through its index, whatever the number of chats; `upto` counts bytes.
SINCE = {
    key: (
        "SELECT * FROM (SELECT m.*, octet_length(m.text) + 400 AS size,"  # noqa: S608
        f" (sum(octet_length(m.text) + 400) OVER (ORDER BY m.chat_id, m.{key}))::bigint AS upto"
        " FROM unnest(%s::uuid[], %s::bigint[]) AS s(chat_id, start),"
        " LATERAL (SELECT * FROM messaging_message WHERE chat_id = s.chat_id"
        f"  AND {key} > s.start {only} AND sender_id <> %s ORDER BY {key} LIMIT %s) m) found"
        f" WHERE upto - size < {BYTES} ORDER BY chat_id, {key} LIMIT %s"
    )
    for key, only in (("seq", ""), ("rev", "AND rev > 0"))
}
