"""The kernel as a Django app: it owns the outbox."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "messenger.core"
    label = "core"
    verbose_name = "Outbox"
