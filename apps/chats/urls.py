"""REST routes of participants."""

from django.urls import path

from apps.chats import views

urlpatterns = [
    path(
        "chats/<id:chat_id>/participants",
        views.ParticipantsView.as_view(),
        name="participants",
    ),
    path(
        "chats/<id:chat_id>/participants/<id:user_id>",
        views.ParticipantView.as_view(),
        name="participant",
    ),
]
