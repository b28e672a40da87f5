"""The REST API, version 1."""

from django.urls import include, path

urlpatterns = [
    path("", include("apps.accounts.urls")),
    path("", include("apps.chats.urls")),
    path("", include("apps.messages.urls")),
]
