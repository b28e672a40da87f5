"""Pure predicates and validators about people, their devices and their login sessions."""

from __future__ import annotations

import enum
import unicodedata
from datetime import datetime, timedelta
from uuid import UUID

from apps.accounts.models import LoginSession, User

PASSWORD_MAX_LENGTH = 128
# Characters that turn the direction of the text after them, in other people's screens too.
BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Refresh(enum.Enum):
    """What a refresh token is worth to its login session."""

    ROTATE = "current"
    REPEAT = "an honest retry"
    REUSE = "used before"


def refresh_worth(
    session: LoginSession, jti: UUID, *, now: datetime, retry_window: float
) -> Refresh:
    """Judge a refresh token of a living, locked session. `retry_window` is in seconds."""
    if jti == session.refresh_jti:
        return Refresh.ROTATE
    is_recent = session.rotated_at is not None and now - session.rotated_at <= timedelta(
        seconds=retry_window
    )
    if jti == session.previous_jti and is_recent:
        return Refresh.REPEAT
    return Refresh.REUSE


def shows_presence(person: User) -> bool:
    """Whether those who share a chat with a person may see when they are here."""
    return person.is_active and person.last_seen_visibility == User.LastSeen.EVERYONE


def is_displayable(text: str, *, multiline: bool = False) -> bool:
    """No control characters (line breaks only where wanted) and no direction overrides."""
    for character in text:
        if character in BIDI_CONTROLS:
            return False
        if unicodedata.category(character) == "Cc" and not (multiline and character == "\n"):
            return False
    return True


# The first match names it: Edge and Opera also say Chrome, Chrome also says Safari.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrom", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


def device_name(user_agent: str) -> str:
    """`Firefox, Linux` for a browser's user agent; the first word of any other; may be empty."""
    browser = next((name for mark, name in BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in SYSTEMS if mark in user_agent), "")
    known = ", ".join(part for part in (browser, system) if part)
    return known or user_agent.split(" ", 1)[0][:60]
