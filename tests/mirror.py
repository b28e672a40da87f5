"""A client's copy of its chats, kept by the rules of the protocol's page.

It has no socket: it takes frames and returns the chats to `sync`. So a test can lose, repeat or
reorder frames.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Frame = dict[str, Any]


@dataclass
class Chat:
    """The copy of one chat: its messages up to `seq`, and its changes up to `rev`."""

    seq: int = 0
    rev: int = 0
    held: dict[int, Frame] = field(default_factory=dict)
    early: dict[int, Frame] = field(default_factory=dict)
    changes: dict[int, Frame] = field(default_factory=dict)  # of messages that are still missing
    shown: list[int] = field(default_factory=list)  # `seq`s in the order shown

    def take(self, message: Frame) -> bool:
        """Store a message; returns whether an earlier one is missing."""
        seq = message["seq"]
        # A repeated message may have a newer state, whose change is not sent separately.
        if seq > self.seq and message["rev"] >= self.early.get(seq, message)["rev"]:
            self.early[seq] = message
        while (following := self.early.pop(self.seq + 1, None)) is not None:
            self.seq += 1
            self.held[self.seq] = dict(following)
            self.shown.append(self.seq)
            if (change := self.changes.pop(self.seq, None)) is not None:
                self.apply(change)
        return bool(self.early)

    def change(self, change: Frame) -> bool:
        """Apply an edit or a deletion; returns whether an earlier one is missing."""
        if change["seq"] > self.seq:
            known = self.changes.get(change["seq"])
            if known is None or known["rev"] < change["rev"]:
                self.changes[change["seq"]] = change
        else:
            self.apply(change)
        if change["rev"] == self.rev + 1:
            self.rev += 1
        return bool(change["rev"] > self.rev)

    def apply(self, change: Frame) -> None:
        """Give a stored message its new state, unless the stored one is newer."""
        message = self.held[change["seq"]]
        if change["rev"] > message["rev"]:
            message["rev"] = change["rev"]
            message["deleted_at"] = change.get("deleted_at")
            message["text"] = change.get("text", "")


class Mirror:
    """All chats of one client."""

    def __init__(self) -> None:
        self.chats: dict[str, Chat] = {}

    def positions(self) -> dict[str, dict[str, int]]:
        """The positions for `sync`."""
        return {key: {"seq": chat.seq, "rev": chat.rev} for key, chat in self.chats.items()}

    def take(self, frame: Frame) -> list[str]:
        """Process a frame; returns the chats to `sync`, because frames are missing."""
        kind = frame["type"]
        if kind in {"message", "message_edited", "message_deleted"}:
            chat = self.chats.setdefault(frame["chat_id"], Chat())
            behind = chat.take(frame) if kind == "message" else chat.change(frame)
            return [frame["chat_id"]] if behind else []
        if kind == "chat_created":
            self.chats.setdefault(frame["chat_id"], Chat())
        if kind == "chat_removed":
            self.chats.pop(frame["chat_id"], None)
        return []

    def synced(self, done: Frame) -> list[str]:
        """Process the `sync_done` of a `sync`; returns the chats that are still behind."""
        for key, rev in done["revs"].items():
            chat = self.chats.setdefault(key, Chat())
            if chat.seq >= done["chats"][key]:
                chat.rev = max(chat.rev, rev)
        return [key for key, seq in done["chats"].items() if self.chats[key].seq < seq]

    def page(self, key: str, messages: list[Frame]) -> None:
        """Store a page of the timeline, read after a `resync`."""
        chat = self.chats.setdefault(key, Chat())
        for message in messages:
            if message["seq"] in chat.held:
                chat.apply(message)
            else:
                chat.take(message)
