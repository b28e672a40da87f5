"""Routes of the chat pages. An action has a POST-only route of its own."""

from django.urls import include, path

from apps.messages.pages import (
    conversation,
    details,
    direct,
    groups,
    inbox,
    message,
    notifications,
    people,
    preferences,
    send,
)

chat_routes = [
    path("", conversation.conversation, name="conversation"),
    path("send/", send.message_send, name="message-send"),
    path("seen/", conversation.seen, name="seen"),
    path("details/", details.chat_details, name="chat-details"),
    path("update/", groups.group_update, name="group-update"),
    path("members/add/", groups.members_add, name="members-add"),
    path("members/remove/", groups.member_remove, name="member-remove"),
    path("members/role/", groups.member_set_role, name="member-role"),
    path("leave/", groups.group_leave, name="group-leave"),
    path("delete/", groups.group_delete, name="group-delete"),
    path("pin/", preferences.chat_pin, name="chat-pin"),
    path("archive/", preferences.chat_archive, name="chat-archive"),
    path("notify/", preferences.chat_notify, name="chat-notify"),
    path("mute/", preferences.chat_mute, name="chat-mute"),
    path("block/", direct.chat_block, name="chat-block"),
    path("unblock/", direct.chat_unblock, name="chat-unblock"),
]
message_routes = [
    path("", message.message_page, name="message-page"),
    path("edit/", message.message_edit, name="message-edit"),
    path("delete/", message.message_delete, name="message-delete"),
]
urlpatterns = [
    path("", inbox.inbox, name="inbox"),
    path("notifications/", notifications.notifications, name="notifications"),
    path("notifications/read/", notifications.notifications_read, name="notifications-read"),
    path("chats/new/", people.chat_new, name="chat-new"),
    path("chats/new/open/", people.chat_open, name="chat-open"),
    path("chats/new-group/", people.group_new, name="group-new"),
    path("chats/new-group/search/", people.group_search, name="group-search"),
    path("chats/new-group/create/", people.group_create, name="group-create"),
    path("chats/<uuid:chat_id>/", include(chat_routes)),
    path("chats/<uuid:chat_id>/messages/<uuid:message_id>/", include(message_routes)),
]
