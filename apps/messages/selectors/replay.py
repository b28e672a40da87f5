"""Messages and changes that a device missed: for the handshake, `sync`, and the hub's healing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from apps.chats.models import Participant, active_sql
from apps.messages.models import Message
from apps.messages.serializers import SyncPosition, message_out

PER_CHAT = 500
IN_ALL = 5000
# A page stays in memory until its reader takes it: this bounds what a silent one costs.
PAGE_ROWS = 250
PAGE_BYTES = 128 * 1024
NOBODY = UUID(int=0)

Positions = Mapping[UUID, SyncPosition]


class Replay:
    """The messages and changes after given positions, or after the person's receipts.

    First `messages`, oldest first in each chat, then `changes` of messages that the device already
    holds. Both are read page by page on demand, each page only from chats in which the person
    takes part at that moment. At most 500 per chat and 5,000 in all; afterwards `resync` names the
    chats with more. Chats of other people are ignored.
    """

    def __init__(self, user_id: UUID, positions: Positions | None = None) -> None:
        self.last_seqs: dict[UUID, int] = {}
        self.last_revs: dict[UUID, int] = {}
        self.resync: list[UUID] = []
        self._user_id, self._is_sync = user_id, positions is not None
        self._replayed: set[UUID] = set()
        self._starts: dict[UUID, int] = {}
        self._revs: dict[UUID, int] = {}
        # Changes are sent of messages in this range: visible to the person, held by the device.
        self._held: dict[UUID, tuple[int, int]] = {}
        rows = Participant.objects.active().filter(user_id=user_id).select_related("chat")
        if positions is None:  # messages of people blocked since then are not replayed
            rows = rows.filter(has_blocked=False)
        else:
            rows = rows.filter(chat_id__in=list(positions))
        for row in rows:
            self._begin(row, positions.get(row.chat_id) if positions is not None else None)

    def _begin(self, row: Participant, held: SyncPosition | None) -> None:
        start = max(held.seq if held else row.delivered_seq, row.hidden_seq)
        if held or row.chat.last_seq > start:
            self.last_seqs[row.chat_id] = row.chat.last_seq
            self.last_revs[row.chat_id] = row.chat.last_rev
        if row.chat.last_seq > start:
            self._starts[row.chat_id] = start
        if held and held.rev is not None and row.chat.last_rev > held.rev:
            self._revs[row.chat_id] = held.rev
            self._held[row.chat_id] = (row.hidden_seq, held.seq)

    def messages(self) -> Iterator[list[dict[str, Any]]]:
        """Pages of messages in their wire shape."""
        # The handshake skips one's own messages; on `sync` another device may lack them.
        skip = NOBODY if self._is_sync else self._user_id
        for page in self._pages(self._starts, "seq", skip):
            self._replayed.update(message.chat_id for message in page)
            yield [message_out(message) for message in page]
        if not self._is_sync:  # leave out chats with only one's own messages
            replayed = self._replayed.union(self.resync)
            self.last_seqs = {key: seq for key, seq in self.last_seqs.items() if key in replayed}
            self.last_revs = {key: rev for key, rev in self.last_revs.items() if key in replayed}

    def changes(self) -> Iterator[list[Message]]:
        """Pages of messages that were edited or deleted."""
        for page in self._pages(self._revs, "rev", NOBODY):
            yield [
                message
                for message in page
                if self._held[message.chat_id][0] < message.seq <= self._held[message.chat_id][1]
            ]

    def _pages(self, starts: dict[UUID, int], key: str, skip: UUID) -> Iterator[list[Message]]:
        starts = dict(sorted(starts.items()))
        left, in_all = dict.fromkeys(starts, PER_CHAT), IN_ALL
        while starts:
            most = [left[chat_id] + 1 for chat_id in starts]
            rows = _since(starts, most, key, skip, self._user_id)
            page: list[Message] = []
            for row in rows:
                if not left[row.chat_id] or not in_all:
                    self._cut(row.chat_id)
                    continue
                left[row.chat_id] -= 1
                in_all -= 1
                page.append(row)
            if page:
                yield page
            if not _is_full(rows):
                return
            last = rows[-1]
            starts = {one: start for one, start in starts.items() if one >= last.chat_id}
            starts[last.chat_id] = getattr(last, key)
            if not in_all:
                for chat_id in starts:
                    self._cut(chat_id)
                return
            if last.chat_id in self.resync:
                del starts[last.chat_id]

    def _cut(self, chat_id: UUID) -> None:
        if chat_id not in self.resync:
            self.resync.append(chat_id)


def messages_since(chat_id: UUID, seq: int) -> list[Message]:
    """Messages of a chat after `seq`, in the order they were written; at most 500."""
    return list(Message.objects.filter(chat_id=chat_id, seq__gt=seq).order_by("seq")[:PER_CHAT])


def changes_since(chat_id: UUID, rev: int) -> list[Message]:
    """Messages of a chat edited or deleted after `rev`, in that order; at most 500."""
    found = Message.objects.filter(chat_id=chat_id, rev__gt=max(rev, 0))
    return list(found.order_by("rev")[:PER_CHAT])


def _is_full(rows: list[Message]) -> bool:
    return bool(rows) and (len(rows) == PAGE_ROWS or vars(rows[-1])["upto"] >= PAGE_BYTES)


def _since(
    starts: Mapping[UUID, int], most: list[int], key: str, skip_sender: UUID, user_id: UUID
) -> list[Message]:
    parameters = [list(starts), list(starts.values()), most, user_id, skip_sender]
    return list(Message.objects.raw(SINCE[key], parameters))


def _since_sql(key: str, condition: str) -> str:
    """One index range per chat, ordered by `key` (`seq` or `rev`); `upto` sums the bytes so far."""
    return f"""
SELECT * FROM (
  SELECT m.*, octet_length(m.text) + 400 AS size,
    (sum(octet_length(m.text) + 400) OVER (ORDER BY m.chat_id, m.{key}))::bigint AS upto
  FROM unnest(%s::uuid[], %s::bigint[], %s::int[]) AS s(chat_id, start, most)
  JOIN chats_participant p ON p.chat_id = s.chat_id AND p.user_id = %s AND {active_sql("p")},
  LATERAL (
    SELECT * FROM messaging_message
    WHERE chat_id = s.chat_id AND {key} > s.start {condition} AND sender_id <> %s
    ORDER BY {key} LIMIT s.most
  ) m
) found
WHERE upto - size < {PAGE_BYTES} ORDER BY chat_id, {key} LIMIT {PAGE_ROWS}
"""  # noqa: S608


SINCE = {"seq": _since_sql("seq", ""), "rev": _since_sql("rev", "AND rev > 0")}
