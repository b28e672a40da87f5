"""The pages: chat list, conversation, details, new chats, notifications."""
