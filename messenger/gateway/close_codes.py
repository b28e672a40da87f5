"""Why the server closed a socket (RFC 6455, 7.4), and what each code means to a client."""

from __future__ import annotations

from typing import NamedTuple

NOT_AUTHENTICATED = 4401
BANNED = 4403
HEARTBEAT = 4408
TOO_LARGE = 4413
FLOOD = 4429
RESTART = 1012
OVERSIZED = 1009


class Meaning(NamedTuple):
    """Two sentences for the protocol's page: what happened, and what a client does next."""

    says: str
    then: str


def of_ended(reason: str) -> int:
    """With what code a socket closes whose login session was revoked for `reason`."""
    return BANNED if reason == "deactivated" else NOT_AUTHENTICATED


MEANING: dict[int, Meaning] = {
    NOT_AUTHENTICATED: Meaning(
        "No identity or a bad one, or it has ended: the token expired, the person signed out, the"
        " session was revoked, the password was changed.",
        "Get a fresh token or sign in again, then reconnect.",
    ),
    BANNED: Meaning(
        "The account was deactivated while the socket was open. Whoever tries again meets"
        f" {NOT_AUTHENTICATED}, like anybody whose session has ended.",
        "Do not reconnect.",
    ),
    HEARTBEAT: Meaning(
        "A `ping` was not answered in time.",
        "Reconnect.",
    ),
    TOO_LARGE: Meaning(
        "A frame was over the limit.",
        "Reconnect, and do not send it again.",
    ),
    FLOOD: Meaning(
        "Too many bad frames, or too many connections of one person.",
        "Reconnect after a long pause; close connections that nobody needs.",
    ),
    RESTART: Meaning(
        "The server restarts, or could not begin the session.",
        "Reconnect after a pause of random length that grows with each failure.",
    ),
    OVERSIZED: Meaning(
        "A frame was so far over the limit that it was not read at all.",
        f"As with {TOO_LARGE}.",
    ),
}
