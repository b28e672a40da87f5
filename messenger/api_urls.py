"""The REST API, version 1."""

from django.urls import include, path

from messenger.core import routes  # registers the `id` converter

__all__ = ["routes", "urlpatterns"]

urlpatterns = [
    path("", include("apps.accounts.urls")),
    path("", include("apps.chats.urls")),
    path("", include("apps.messages.urls")),
]
