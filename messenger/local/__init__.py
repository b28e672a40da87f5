"""PostgreSQL and Redis for this machine, and the supervisor; never imported in production."""
