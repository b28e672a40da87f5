"""REST: my chats and what is said in them."""
