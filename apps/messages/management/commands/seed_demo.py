"""`manage.py seed_demo`: two people who have begun to talk, so that the first look is not empty."""

from __future__ import annotations

import secrets
from typing import Any

from allauth.account.models import EmailAddress
from django.core.management.base import BaseCommand
from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services.registration import user_create
from apps.chats.services.direct import chat_open_direct
from apps.chats.services.groups import group_create
from apps.messages.services.read import messages_read
from apps.messages.services.send import message_send

PEOPLE = (("mira", "Mira Solberg"), ("jonas", "Jonas Lindqvist"))
TALK = (
    (0, "Good morning, Jonas! Is the lamp in the reading room working again?"),
    (1, "Morning! Yes, since yesterday evening. It needed a new switch, nothing more."),
    (0, "Wonderful. Then we can open at nine as planned."),
    (1, "I will bring the keys."),
)


class Command(BaseCommand):
    """Prints each account's password; it is made at random and shown this once."""

    help = "Make two demo accounts with a conversation, unless there are people already."

    def handle(self, *args: Any, **options: Any) -> None:
        if User.objects.exists():
            self.stdout.write("There are people already; nothing was made.")
            return
        for username, password in seed():
            self.stdout.write(f"demo account: {username}  password: {password}")


@transaction.atomic
def seed() -> list[tuple[str, str]]:
    """Make the people and their conversation; returns the user names with their passwords."""
    accounts: list[tuple[User, str]] = []
    for username, name in PEOPLE:
        password = secrets.token_urlsafe(9)
        user = user_create(username=username, email=f"{username}@example.org", password=password)
        User.objects.filter(pk=user.pk).update(display_name=name)
        EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
        accounts.append((user, password))
    people = [user for user, _ in accounts]
    chat, _ = chat_open_direct(actor_id=people[0].id, user_id=people[1].id)
    for who, text in TALK:
        message_send(sender_id=people[who].id, chat_id=chat.id, text=text)
    messages_read(actor_id=people[1].id, chat_id=chat.id, seq=len(TALK))
    group = group_create(actor_id=people[1].id, title="Reading room", member_ids=[people[0].id])
    message_send(
        sender_id=people[1].id, chat_id=group.id, text="A place for everything about the room."
    )
    return [(user.username, password) for user, password in accounts]
