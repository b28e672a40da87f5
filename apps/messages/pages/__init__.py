"""The pages: my chats, a conversation, new chats, a chat's details."""
