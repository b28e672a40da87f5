"""Messages: sending, reading, changing them; and their history."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MessagesConfig(AppConfig):
    name = "apps.messages"
    label = "messaging"  # Django's own `messages` has the plain one
    verbose_name = _("Conversations")

    def ready(self) -> None:
        from messenger.core.events import register_handler  # its models need the loaded apps

        for event_type in ("message.sent", "message.edited"):
            register_handler(event_type, "messages.fan_out")
        register_handler("chat.participant_left", "messages.complete_receipts")
