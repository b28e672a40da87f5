"""Who is acting through which connection; what a door hands to a command."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Actor:
    """A signed-in person at a socket; `connection_id` names the socket for live frames."""

    user_id: UUID
    connection_id: str = ""
