"""Creates users for fault tests: `python -m tests.chaos.seed GROUPS SIZE OUTSIDERS`.

Prints JSON: a list of `{user_id, token, chats}`.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import django


def main(groups: int, size: int, outsiders: int) -> None:
    """Fill the database; print users and tokens as JSON."""
    django.setup()
    from apps.accounts import tokens
    from apps.accounts.models import User
    from apps.accounts.services.sessions import session_open
    from apps.chats.services.groups import group_create

    def person(number: int) -> User:
        return User(username=f"p{number}", email=f"p{number}@chaos.invalid", password="!")

    def entry(user: User, chats: list[str]) -> dict[str, Any]:
        session = session_open(user_id=user.id, kind="api", user_agent="chaos", ip_address="")
        token = tokens.write_pair(session, user, tokens.Rights([], [])).access
        return {"user_id": str(user.id), "token": token, "chats": chats}

    people = User.objects.bulk_create([person(n) for n in range(groups * size + outsiders)])
    entries = []
    for start in range(0, groups * size, size):
        members = people[start : start + size]
        chat = group_create(
            actor_id=members[0].id, title="Group", member_ids=[one.id for one in members[1:]]
        )
        entries += [entry(one, [str(chat.id)]) for one in members]
    entries += [entry(one, []) for one in people[groups * size :]]
    print(json.dumps(entries))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
