"""The parser of REST bodies."""

from __future__ import annotations

from typing import IO, Any

from django.conf import settings
from rest_framework.parsers import BaseParser

from messenger.core.errors import TooLarge
from messenger.core.json import loads_guarded


class GuardedJSONParser(BaseParser):
    """Parses untrusted `application/json` (RFC 8259); an empty body is an empty object.

    Enforces the limit on the size of a body, which Django enforces for forms only.
    """

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: Any = None, parser_context: Any = None) -> Any:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise TooLarge
        return loads_guarded(body) if body else {}
