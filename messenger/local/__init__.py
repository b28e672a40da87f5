"""The laptop's own PostgreSQL and Redis and their supervisor; never imported in production."""
