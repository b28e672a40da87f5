"""Fill a database for the load generator: users with tokens, pairs, and one large group.

Run inside Django: `python -m bench.seed FILE`; writes what the load generator needs as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import django
from django.conf import settings

DAY = 24 * 3600
PAIRS = 50
ROOM = 500


def main(path: str) -> None:
    """Seed and write `{pairs: [{chat, tokens}], room: {chat, tokens}, missed: token}`."""
    django.setup()
    settings.ACCESS_TOKEN_LIFETIME = DAY  # tokens are not refreshed here
    from apps.accounts import tokens
    from apps.accounts.models import User
    from apps.accounts.services.sessions import session_open
    from apps.chats.services.direct import chat_open_direct
    from apps.chats.services.groups import group_create
    from apps.messages.services.send import SendRequest, messages_send
    from bench.load import MISSED, TEXT
    from messenger.core.ids import new_id

    def person(name: str) -> User:
        return User(username=name, email=f"{name}@bench.invalid", password="!")

    def token_of(user: User) -> str:
        session = session_open(user_id=user.id, kind="api", user_agent="bench", ip_address="")
        return tokens.write_pair(session, user, tokens.Rights([], [])).access

    people = User.objects.bulk_create(
        [person(f"pair{n}") for n in range(2 * PAIRS)] + [person(f"room{n}") for n in range(ROOM)]
    )
    pairs: list[dict[str, Any]] = []
    for n in range(PAIRS):
        two = people[2 * n : 2 * n + 2]
        chat, _ = chat_open_direct(actor_id=two[0].id, user_id=two[1].id)
        pairs.append({"chat": str(chat.id), "tokens": [token_of(one) for one in two]})
    members = people[2 * PAIRS :]
    room = group_create(
        actor_id=members[0].id, title="Room", member_ids=[one.id for one in members[1:]]
    )
    late = User.objects.bulk_create([person("late")])[0]
    for friend in people[:2]:
        chat, _ = chat_open_direct(actor_id=friend.id, user_id=late.id)
        messages_send([SendRequest(friend.id, chat.id, new_id(), TEXT) for _ in range(MISSED // 2)])
    data = {
        "missed": token_of(late),
        "pairs": pairs,
        "room": {"chat": str(room.id), "tokens": [token_of(one) for one in members]},
    }
    Path(path).write_text(json.dumps(data))


if __name__ == "__main__":
    main(sys.argv[1])
