"""Mentions: the participants whom `@names` in a text refer to, resolved when it is stored."""

from __future__ import annotations

from uuid import UUID

from django.db import connection

from apps.chats.models import active_sql
from apps.messages.rules import names_in

# `indexes` separates the texts of one batch.
MENTIONED = f"""
SELECT q.n, array_agg(DISTINCT p.user_id)
FROM unnest(%(indexes)s::int[], %(named_in)s::uuid[], %(names)s::text[]) AS q(n, chat_id, name)
JOIN accounts_user u ON lower(u.username) = q.name
JOIN chats_participant p
  ON p.chat_id = q.chat_id AND p.user_id = u.id AND {active_sql("p")}
GROUP BY q.n
"""  # noqa: S608


def mentions_in(chat_id: UUID, text: str) -> list[UUID]:
    """The participants whom a text mentions; no query where it holds no `@name`."""
    names = names_in(text)
    if not names:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            MENTIONED,
            {"indexes": [0] * len(names), "named_in": [chat_id] * len(names), "names": names},
        )
        found: dict[int, list[UUID]] = dict(cursor.fetchall())
    return found.get(0, [])
