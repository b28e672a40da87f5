"""The renderer of REST responses."""

from __future__ import annotations

from typing import Any

from rest_framework.renderers import BaseRenderer

from messenger.core.json import dumps_bytes


class JSONRenderer(BaseRenderer):
    """Renders `application/json` in UTF-8; problem details set another content type."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None
    ) -> bytes:
        return b"" if data is None else dumps_bytes(data)
