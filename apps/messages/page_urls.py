"""Routes of the pages: chats, conversations, and the two switches that need no account."""

from django.urls import path
from django.views.i18n import set_language

from apps.messages.pages import (
    conversation,
    details,
    inbox,
    notifications,
    one,
    people,
)
from messenger.core.pages import service_worker, theme

urlpatterns = [
    path("", inbox.inbox, name="inbox"),
    path("sw.js", service_worker, name="service-worker"),
    path("notifications/", notifications.notifications, name="notifications"),
    path("chats/new/", people.chat_new, name="chat-new"),
    path("chats/new-group/", people.group_new, name="group-new"),
    path("chats/<uuid:chat_id>/", conversation.conversation, name="conversation"),
    path("chats/<uuid:chat_id>/seen/", conversation.seen, name="seen"),
    path("chats/<uuid:chat_id>/details/", details.chat_details, name="chat-details"),
    path("chats/<uuid:chat_id>/messages/<uuid:message_id>/", one.message_page, name="message-page"),
    path("theme/", theme, name="theme"),
    path("language/", set_language, name="language"),
]
