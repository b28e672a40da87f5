"""Chats and their participants."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ChatsConfig(AppConfig):
    name = "apps.chats"
    label = "chats"
    verbose_name = _("Chats")

    def ready(self) -> None:
        # Models can be imported only once all apps are loaded.
        from apps.accounts.events import UserBlocked, UserUnblocked
        from apps.accounts.selectors import register_contact_source
        from apps.chats.selectors import contacts_sharing_a_chat
        from apps.chats.services import authority
        from messenger.core.events import react

        react(UserBlocked, authority.user_blocked)
        react(UserUnblocked, authority.user_unblocked)
        register_contact_source(contacts_sharing_a_chat)
