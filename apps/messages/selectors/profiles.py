"""Profiles and quoted messages for a window of messages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from apps.accounts.models import User
from apps.accounts.serializers import person_out
from apps.messages.models import Message
from apps.messages.serializers import message_out


def profiles_for(user_ids: Iterable[UUID]) -> dict[UUID, dict[str, Any]]:
    """`PersonOut` by id, in one query; for ids that the viewer may see."""
    wanted = set(user_ids)
    return {user.id: person_out(user) for user in User.objects.filter(pk__in=wanted)}


def quoted_for(items: Iterable[dict[str, Any]], hidden_seq: int) -> dict[UUID, dict[str, Any]]:
    """The messages to which `items` of one chat reply, as `MessageOut` by id.

    Messages up to `hidden_seq` are left out. No query where there are no replies.
    """
    known = {item["id"]: item for item in items}
    wanted = {item["reply_to"] for item in known.values() if item["reply_to"]}
    found = {message_id: known[message_id] for message_id in wanted & set(known)}
    rest = wanted - set(known)
    if rest:
        rows = Message.objects.filter(pk__in=rest, seq__gt=hidden_seq)
        found |= {row.id: message_out(row) for row in rows}
    return found
