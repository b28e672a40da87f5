"""Why the server closed a socket (spec of the protocol, "Close codes"; RFC 6455, 7.4)."""

NOT_AUTHENTICATED = 4401
BANNED = 4403
HEARTBEAT = 4408
TOO_LARGE = 4413
FLOOD = 4429
RESTART = 1012
