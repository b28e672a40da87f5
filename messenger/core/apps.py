"""The kernel as a Django app: it owns the outbox."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.utils.module_loading import autodiscover_modules

from messenger.core.database import register_loader


class CoreConfig(AppConfig):
    name = "messenger.core"
    label = "core"
    verbose_name = "Outbox"

    def ready(self) -> None:
        # So that every process knows every event of every app.
        autodiscover_modules("events")
        connection_created.connect(register_loader)
