"""The live frames about messages."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from apps.chats.models import Chat
from apps.chats.selectors import visibility_floors
from apps.messages.models import Message
from messenger.core.json import dumps
from messenger.core.live import Frame, chat_group


def change_text(message: Message) -> str:
    """`message_edited` or `message_deleted`, whichever the message's state is."""
    if message.deleted_at:
        change = {"type": "message_deleted", "deleted_at": message.deleted_at}
    else:
        change = {
            "type": "message_edited",
            "text": message.text,
            "mentions": message.mentions,
            "edited_at": message.edited_at,
        }
    place = {"chat_id": message.chat_id, "message_id": message.id, "seq": message.seq}
    return dumps({**change, **place, "rev": message.rev})


def changed(message: Message, chat: Chat, connection_id: str = "") -> Frame:
    """For everybody who may see the message but the connection that gets the ack."""
    floors = visibility_floors(message.chat_id)
    return Frame(
        chat_group(message.chat_id),
        change_text(message),
        rev=message.rev,
        members_rev=chat.members_rev,
        skip=connection_id,
        hidden_from=tuple(str(one) for one, floor in floors.items() if floor >= message.seq),
    )


def receipt(
    chat_id: UUID,
    user_id: UUID,
    cursors: tuple[int, int],
    at: datetime,
    members_rev: int,
) -> Frame:
    """For everybody in the chat: how far one of them has got."""
    body = {
        "type": "receipt",
        "chat_id": chat_id,
        "user_id": user_id,
        "delivered_seq": cursors[0],
        "read_seq": cursors[1],
        "at": at,
    }
    return Frame(chat_group(chat_id), dumps(body), members_rev=members_rev)
