"""The documents generated from code: the protocol, the events and the broker's commands."""

from __future__ import annotations

import json
from pathlib import Path

from django.conf import settings
from django.utils.translation import override


def documents() -> dict[Path, str]:
    """Path → text of every generated document."""
    from apps.messages.commands.documents import command_documents
    from messenger.core.event_documents import event_documents
    from messenger.gateway.docs.asyncapi import document
    from messenger.gateway.docs.page import page

    folder = Path(settings.BASE_DIR) / "docs"
    with override("en"):
        return {
            folder / "protocol.md": page(),
            folder / "asyncapi.json": json.dumps(document(), ensure_ascii=False, indent=1) + "\n",
            **{folder / "events" / name: text for name, text in event_documents().items()},
            **{folder / "commands" / name: text for name, text in command_documents().items()},
        }
