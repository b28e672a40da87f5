"""Identifiers: UUIDv7 (RFC 9562), so that new keys are adjacent in an index."""

from uuid import UUID

from uuid_utils.compat import uuid7 as _uuid7

__all__ = ["new_id"]


def new_id() -> UUID:
    """A new UUIDv7; ids sort by the millisecond of their creation."""
    return _uuid7()
