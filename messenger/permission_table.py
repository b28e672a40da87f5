"""Who may knock at which door. What has no entry here is refused (see `core.permissions`).

Behind the door, objects are found only through the `access_*` selectors: what the asker may
not see does not exist for them.
"""

from messenger.core.permissions import Table, Who

ANYONE, USER, STAFF = Who.ANYONE, Who.USER, Who.STAFF

SITE: Table = {
    "health": {"GET": ANYONE},
    "ready": {"GET": ANYONE},
    "schema": {"GET": ANYONE},
    "docs": {"GET": ANYONE},
    # The admin asks for staff itself and shows its sign-in page to everybody else.
    "admin:*": {"*": ANYONE},
}

ACCOUNTS: Table = {}

CHATS: Table = {}

MESSAGES: Table = {}

PAGES: Table = {}

ROUTES: Table = {**SITE, **ACCOUNTS, **CHATS, **MESSAGES, **PAGES}

# The socket: every command needs an identity; what else it needs is its selector's business.
COMMANDS: dict[str, Who] = {}
