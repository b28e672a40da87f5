"""The `id` path converter: a UUID, or something that the view refuses with a clear 400."""

from __future__ import annotations

from uuid import UUID

from django.urls import register_converter

from messenger.core.json import uuid_or_none


class NotAnId(str):
    """What stood in a path where a UUID belongs."""

    __slots__ = ()


class IdConverter:
    """Django's own `uuid` converter makes a typing error a missing route."""

    regex = "[^/]+"

    def to_python(self, value: str) -> UUID | NotAnId:
        found = uuid_or_none(value)
        return found if found is not None and str(found) == value.lower() else NotAnId(value)

    def to_url(self, value: UUID) -> str:
        return str(value)


register_converter(IdConverter, "id")
