"""The path converter `id`: a UUID, or a value that `ApiView` refuses with status 400."""

from __future__ import annotations

from uuid import UUID

from django.urls import register_converter

from messenger.core.json import uuid_or_none


class NotAnId(str):
    """A path segment that is not a UUID."""

    __slots__ = ()


class IdConverter:
    """Accepts any segment, where Django's `uuid` converter would answer a typing error with 404."""

    regex = "[^/]+"

    def to_python(self, value: str) -> UUID | NotAnId:
        found = uuid_or_none(value)
        return found if found is not None and str(found) == value.lower() else NotAnId(value)

    def to_url(self, value: UUID) -> str:
        return str(value)


register_converter(IdConverter, "id")
