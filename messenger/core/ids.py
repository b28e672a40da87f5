"""Identifiers: UUIDv7 (RFC 9562), so that keys made at about the same time lie together."""

from uuid import UUID

from uuid_utils.compat import uuid7 as _uuid7

__all__ = ["new_id"]


def new_id() -> UUID:
    """A fresh UUIDv7; ordered by the millisecond in which it was made."""
    return _uuid7()
