"""Who is named in a text: `@names` become ids of people in the chat, when it is written."""

from __future__ import annotations

from uuid import UUID

from django.db import connection

from apps.messages.rules import names_in

# `places` tells several texts of one batch apart.
MENTIONED = """
SELECT q.n, array_agg(DISTINCT p.user_id)
FROM unnest(%(places)s::int[], %(rooms)s::uuid[], %(names)s::text[]) AS q(n, chat_id, name)
JOIN accounts_user u ON lower(u.username) = q.name
JOIN chats_participant p
  ON p.chat_id = q.chat_id AND p.user_id = u.id AND p.left_at IS NULL
GROUP BY q.n
"""


def mentions_in(chat_id: UUID, text: str) -> list[UUID]:
    """Who of the chat a text names; no query where it names nobody."""
    names = names_in(text)
    if not names:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            MENTIONED,
            {"places": [0] * len(names), "rooms": [chat_id] * len(names), "names": names},
        )
        found: dict[int, list[UUID]] = dict(cursor.fetchall())
    return found.get(0, [])
