"""REST routes of chats and messages."""

from django.urls import path

from apps.messages.views import conversation, inbox

urlpatterns = [
    path("chats", inbox.ChatsView.as_view(), name="chats"),
    path("chats/<id:chat_id>", inbox.ChatView.as_view(), name="chat"),
    path("chats/<id:chat_id>/read", inbox.ChatReadView.as_view(), name="chat-read"),
    path(
        "chats/<id:chat_id>/preferences",
        inbox.ChatPreferencesView.as_view(),
        name="chat-preferences",
    ),
    path("messages", conversation.MessagesView.as_view(), name="messages"),
    path("messages/<id:message_id>", conversation.MessageView.as_view(), name="message"),
    path(
        "messages/<id:message_id>/read",
        conversation.MessageReadView.as_view(),
        name="message-read",
    ),
    path(
        "messages/<id:message_id>/receipts",
        conversation.MessageReceiptsView.as_view(),
        name="message-receipts",
    ),
    path(
        "messages/<id:message_id>/history",
        conversation.MessageHistoryView.as_view(),
        name="message-history",
    ),
]
