"""The kernel as a Django app: it owns the outbox."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class CoreConfig(AppConfig):
    name = "messenger.core"
    label = "core"
    verbose_name = "Outbox"

    def ready(self) -> None:
        # So that every process knows every event of every app.
        autodiscover_modules("events")
