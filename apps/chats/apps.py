"""Chats: who talks with whom, and how far each has read."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ChatsConfig(AppConfig):
    name = "apps.chats"
    label = "chats"
    verbose_name = _("Chats")
