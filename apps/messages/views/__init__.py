"""REST: my chats and their messages."""
