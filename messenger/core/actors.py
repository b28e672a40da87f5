"""The person on whose behalf an entry point calls a command."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Actor:
    """A signed-in person at a socket; `connection_id` names the socket in live frames.

    `is_staff` is as of the handshake.
    """

    user_id: UUID
    connection_id: str = ""
    is_staff: bool = False
