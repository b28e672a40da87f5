"""The REST door's reader: JSON through the input guard."""

from __future__ import annotations

from typing import IO, Any

from rest_framework.parsers import BaseParser

from messenger.core.json import loads_guarded


class GuardedJSONParser(BaseParser):
    """`application/json` (RFC 8259), guarded; an empty body is an empty object."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: Any = None, parser_context: Any = None) -> Any:
        body = stream.read()
        return loads_guarded(body) if body else {}
