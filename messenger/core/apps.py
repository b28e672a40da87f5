"""The Django app of the kernel, which owns the outbox."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.utils.module_loading import autodiscover_modules

from messenger.core.database import register_loader


class CoreConfig(AppConfig):
    name = "messenger.core"
    label = "core"
    verbose_name = "Outbox"

    def ready(self) -> None:
        # Registers the event classes of all apps in every process.
        autodiscover_modules("events")
        connection_created.connect(register_loader)
