"""Pure predicates and validators about people, their devices and their login sessions."""

from __future__ import annotations

import enum
import unicodedata
from datetime import datetime, timedelta
from uuid import UUID

from apps.accounts.models import LoginSession, User

PASSWORD_MAX_LENGTH = 128
# Characters that change the direction of the text after them.
BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Refresh(enum.Enum):
    """The use of a refresh token: the current one, a permitted retry, or a reuse."""

    ROTATE = "current"
    REPEAT = "a permitted retry"
    REUSE = "used before"


def refresh_use(session: LoginSession, jti: UUID, *, now: datetime, retry_window: float) -> Refresh:
    """Classify a refresh token of an active, locked session. `retry_window` is in seconds."""
    if jti == session.refresh_jti:
        return Refresh.ROTATE
    is_recent = session.rotated_at is not None and now - session.rotated_at <= timedelta(
        seconds=retry_window
    )
    if jti == session.previous_jti and is_recent:
        return Refresh.REPEAT
    return Refresh.REUSE


def shows_presence(person: User) -> bool:
    """Whether contacts of this user may see their presence."""
    return person.is_active and person.last_seen_visibility == User.LastSeen.EVERYONE


def is_displayable(text: str, *, multiline: bool = False) -> bool:
    """Whether a text has no control characters, except line breaks if `multiline`, and no
    direction overrides."""
    for character in text:
        if character in BIDI_CONTROLS:
            return False
        if unicodedata.category(character) == "Cc" and not (multiline and character == "\n"):
            return False
    return True


# The first match counts: Edge and Opera also contain Chrome, and Chrome contains Safari.
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
    """Such as `Firefox, Linux`; for other programs their first word; may be empty."""
    browser = next((name for mark, name in BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in SYSTEMS if mark in user_agent), "")
    known = ", ".join(part for part in (browser, system) if part)
    return known or user_agent.split(" ", 1)[0][:60]
