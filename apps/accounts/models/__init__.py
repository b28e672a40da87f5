"""People, login sessions, blocks, devices and notifications."""

from apps.accounts.models.notifications import NOTIFICATION_SEQ, Device, Notification
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
