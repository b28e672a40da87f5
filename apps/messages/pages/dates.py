"""Dates in words: today, yesterday, when a person was last seen. `js/words.js` does the same."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _


def day_label(day: date) -> str:
    """Today, yesterday, else the date; with the year where it is not this one."""
    today = timezone.localdate()
    if day == today:
        return _("Today")
    if day == today - timedelta(days=1):
        return _("Yesterday")
    return date_format(day, "j E" if day.year == today.year else "j E Y")


def seen_line(person: dict[str, Any]) -> str:
    """Whether a person is online, or when they last were; empty where their privacy hides it."""
    if person["status"] == "online":
        return _("online")
    if person["last_seen_at"] is None:
        return ""
    at, today = timezone.localtime(person["last_seen_at"]), timezone.localdate()
    if at.date() == today:
        return _("last seen at {time}").format(time=date_format(at, "H:i"))
    if at.date() == today - timedelta(days=1):
        return _("last seen yesterday")
    return _("last seen on {day}").format(day=day_label(at.date()))
