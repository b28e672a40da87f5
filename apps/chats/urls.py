"""REST routes of participation."""

from django.urls import path

from apps.chats import views

urlpatterns = [
    path(
        "chats/<uuid:chat_id>/participants",
        views.ParticipantsView.as_view(),
        name="participants",
    ),
    path(
        "chats/<uuid:chat_id>/participants/<uuid:user_id>",
        views.ParticipantView.as_view(),
        name="participant",
    ),
]
