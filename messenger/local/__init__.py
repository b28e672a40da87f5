"""The laptop's own PostgreSQL and Redis and the one-command supervisor; never imported in production."""
