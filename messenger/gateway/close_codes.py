"""The codes with which the server closes a socket (RFC 6455, 7.4), and their meaning."""

from __future__ import annotations

from typing import NamedTuple

NOT_AUTHENTICATED = 4401
DEACTIVATED = 4403
HEARTBEAT = 4408
TOO_LARGE = 4413
FLOOD = 4429
RESTART = 1012
OVERSIZED = 1009


class Meaning(NamedTuple):
    """For the protocol's page: why the socket was closed, and what a client does next."""

    reason: str
    action: str


def of_ended(reason: str) -> int:
    """The code for a socket whose login session was revoked for `reason`."""
    return DEACTIVATED if reason == "deactivated" else NOT_AUTHENTICATED


MEANING: dict[int, Meaning] = {
    NOT_AUTHENTICATED: Meaning(
        "No identity or an invalid one, or it has ended: the token expired, the person signed out,"
        " the session was revoked, the password was changed.",
        "Get a fresh token or sign in again, then reconnect.",
    ),
    DEACTIVATED: Meaning(
        "The account was deactivated while the socket was open. Further attempts are closed with"
        f" {NOT_AUTHENTICATED}.",
        "Do not reconnect.",
    ),
    HEARTBEAT: Meaning(
        "A `ping` was not answered in time.",
        "Reconnect.",
    ),
    TOO_LARGE: Meaning(
        "A frame was over the size limit.",
        "Reconnect, and do not send the frame again.",
    ),
    FLOOD: Meaning(
        "Too many frames, too many bad frames, or too many connections of one person.",
        "Reconnect after a long pause; close connections that are not needed.",
    ),
    RESTART: Meaning(
        "The server restarts, or could not begin the session.",
        "Reconnect after a random pause that grows with each failure.",
    ),
    OVERSIZED: Meaning(
        "A frame was so far over the size limit that it was not read.",
        f"The same as for {TOO_LARGE}.",
    ),
}
