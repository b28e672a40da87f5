"""Messages as rows of a page: grouped, dated, with ticks. `js/bubbles.js` does the same."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from apps.messages.pages.dates import day_label
from messenger.core.templatetags.lumin import hue, initials, name_of

GROUP_WITHIN = timedelta(minutes=5)  # between two messages of one sender
QUOTE_LENGTH = 140
Wire = dict[str, Any]


def bubbles(
    items: list[Wire],
    *,
    viewer_id: UUID,
    people: dict[UUID, Wire],
    quoted: dict[UUID, Wire],
    fresh_after: int | None = None,
) -> list[Wire]:
    """A row per message; the first message of others after `fresh_after` is marked as `fresh`."""
    rows: list[Wire] = []
    # Only if the first unread message is in this window: the line "New messages" goes above it.
    seeks_fresh = fresh_after is not None and bool(items) and items[0]["seq"] <= fresh_after + 1
    for item in items:
        row = _row(item, viewer_id, people.get(item["sender_id"]))
        row["named"] = {
            people[one]["username"].lower(): one == viewer_id
            for one in item["mentions"]
            if one in people
        }
        row["quote"] = _quote(quoted.get(item["reply_to"]), viewer_id, people)
        earlier = rows[-1] if rows else None
        row["day"] = "" if earlier and earlier["date"] == row["date"] else day_label(row["date"])
        row["fresh"] = seeks_fresh and not row["mine"] and row["seq"] > (fresh_after or 0)
        seeks_fresh = seeks_fresh and not row["fresh"]
        row["first"] = not _continues_group(earlier, row)
        row["last"] = True
        if earlier:
            earlier["last"] = row["first"]
        rows.append(row)
    return rows


def state_of(item: Wire) -> str:
    """Which ticks one's own message shows: `sent`, `delivered` or `read`."""
    if item["read_at"]:
        return "read"
    return "delivered" if item["delivered_at"] else "sent"


def _row(item: Wire, viewer_id: UUID, sender: Wire | None) -> Wire:
    at = timezone.localtime(item["created_at"])
    name = name_of(sender)
    return {
        **item,
        "mine": item["sender_id"] == viewer_id,
        "at": at,
        "date": at.date(),
        "name": name,
        "initials": initials(name),
        "hue": hue(item["sender_id"]),
        "state": state_of(item),
        "tick": "t-one" if state_of(item) == "sent" else "t-two",
        "state_name": {"sent": _("Sent"), "delivered": _("Delivered"), "read": _("Read")}[
            state_of(item)
        ],
    }


def _quote(item: Wire | None, viewer_id: UUID, people: dict[UUID, Wire]) -> Wire | None:
    if item is None:
        return None
    is_mine = item["sender_id"] == viewer_id
    return {
        "seq": item["seq"],
        "name": _("You") if is_mine else name_of(people.get(item["sender_id"])),
        "text": item["text"][:QUOTE_LENGTH] if not item["deleted_at"] else _("Message deleted"),
    }


def _continues_group(earlier: Wire | None, row: Wire) -> bool:
    return (
        earlier is not None
        and not row["day"]
        and not row["fresh"]
        and earlier["sender_id"] == row["sender_id"]
        and row["created_at"] - earlier["created_at"] < GROUP_WITHIN
    )
