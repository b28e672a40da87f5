"""People, their login sessions, and how they are told what happens while they are away."""

from apps.accounts.models.away import NOTIFICATION_SEQ, Device, Notification
from apps.accounts.models.people import (
    DELETED_PREFIX,
    USERNAME_PATTERN,
    Block,
    LoginSession,
    User,
    UserManager,
    username_validators,
)

__all__ = [
    "DELETED_PREFIX",
    "NOTIFICATION_SEQ",
    "USERNAME_PATTERN",
    "Block",
    "Device",
    "LoginSession",
    "Notification",
    "User",
    "UserManager",
    "username_validators",
]
