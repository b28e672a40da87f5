"""A person's own preferences for a chat."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction

from apps.chats import selectors
from apps.chats.models import Participant
from apps.chats.services import frames
from messenger.core import live


@transaction.atomic
def preferences_set(*, actor_id: UUID, chat_id: UUID, changes: dict[str, Any]) -> Participant:
    """Change one's own preferences; `changes` holds checked fields of `PreferencesInput`.

    The person's connections get `chat_preferences`. Raises `NotFound`.
    """
    mine = selectors.access_chat(actor_id, chat_id).mine
    fields = [name for name, value in changes.items() if getattr(mine, name) != value]
    if fields:
        for name in fields:
            setattr(mine, name, changes[name])
        mine.save(update_fields=fields)
        live.push([frames.preferences_changed(mine)])
    return mine
