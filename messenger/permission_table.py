"""Who may call which route. A route without an entry is refused (see `core.permissions`).

Which objects a caller can reach is decided by the `access_*` selectors. The commands of the socket
declare who may send them (`core.socket.Command`).
"""

from messenger.core.permissions import Table, Who

ANYONE, USER, STAFF = Who.ANYONE, Who.USER, Who.STAFF

SITE: Table = {
    "health": {"GET": ANYONE},
    "ready": {"GET": ANYONE},
    # Checks its token, or that the caller is local, itself.
    "metrics": {"GET": ANYONE},
    "theme": {"POST": ANYONE},
    "language": {"POST": ANYONE},
    "jsi18n": {"GET": ANYONE},
    "schema": {"GET": ANYONE},
    "docs": {"GET": ANYONE},
    # The admin checks for staff itself and shows its sign-in page to others.
    "admin:*": {"*": ANYONE},
}

ACCOUNTS: Table = {
    "api:auth-register": {"POST": ANYONE},
    "api:auth-login": {"POST": ANYONE},
    "api:auth-refresh": {"POST": ANYONE},
    # Ends the session of a given refresh token; without one it requires a signed-in user itself.
    "api:auth-logout": {"POST": ANYONE},
    "api:auth-password-change": {"POST": USER},
    "api:auth-password-reset": {"POST": ANYONE},
    "api:auth-password-reset-confirm": {"POST": ANYONE},
    "api:auth-email-confirm": {"POST": ANYONE},
    "api:auth-sessions": {"GET": USER},
    "api:auth-session": {"DELETE": USER},
    "api:me": {"GET": USER, "PATCH": USER, "DELETE": USER},
    "api:blocks": {"GET": USER},
    "api:people": {"GET": USER},
    "api:person": {"GET": USER},
    "api:block": {"PUT": USER, "DELETE": USER},
    "api:devices": {"GET": USER, "POST": USER},
    "api:device": {"DELETE": USER},
    "api:notifications": {"GET": USER},
    "api:notifications-read": {"POST": USER},
    # allauth's pages; those for signed-in users require a recent sign-in as well.
    "account_login": {"*": ANYONE},
    "account_logout": {"*": ANYONE},
    "account_inactive": {"*": ANYONE},
    "account_signup": {"*": ANYONE},
    "account_reauthenticate": {"*": USER},
    "account_email": {"*": USER},
    "account_email_verification_sent": {"*": ANYONE},
    "account_confirm_email": {"*": ANYONE},
    "account_change_password": {"*": USER},
    "account_set_password": {"*": USER},
    "account_reset_password": {"*": ANYONE},
    "account_reset_password_done": {"*": ANYONE},
    "account_reset_password_from_key": {"*": ANYONE},
    "account_reset_password_from_key_done": {"*": ANYONE},
    "account_confirm_login_code": {},  # disabled: signing in with a mailed code
    "mfa_index": {"*": USER},
    "mfa_authenticate": {"*": ANYONE},
    "mfa_reauthenticate": {"*": USER},
    "mfa_activate_totp": {"*": USER},
    "mfa_deactivate_totp": {"*": USER},
    "mfa_view_recovery_codes": {"*": USER},
    "mfa_generate_recovery_codes": {"*": USER},
    "mfa_download_recovery_codes": {"*": USER},
    "mfa_list_webauthn": {"*": USER},
    "mfa_add_webauthn": {"*": USER},
    "mfa_reauthenticate_webauthn": {"*": USER},
    "mfa_remove_webauthn": {"*": USER},
    "mfa_edit_webauthn": {"*": USER},
    "mfa_login_webauthn": {"*": ANYONE},
    "settings_profile": {"*": USER},
    "settings_devices": {"GET": USER},
    "device-sign-out": {"POST": USER},
    "devices-sign-out": {"POST": USER},
    "settings_blocks": {"GET": USER},
    "block-remove": {"POST": USER},
    "settings_notifications": {"*": USER},
    "service-worker": {"GET": ANYONE},
    "unsubscribe": {"*": ANYONE},  # the token from a mail authorises
}

CHATS: Table = {
    "api:chats": {"GET": USER, "POST": USER},
    "api:chat": {"GET": USER, "PATCH": USER, "DELETE": USER},
    "api:chat-read": {"POST": USER},
    "api:chat-preferences": {"PATCH": USER},
    "api:participants": {"GET": USER, "POST": USER},
    "api:participant": {"PATCH": USER, "DELETE": USER},
}

MESSAGES: Table = {
    "api:messages": {"GET": USER, "POST": USER},
    "api:message": {"GET": USER, "PATCH": USER, "DELETE": USER},
    "api:message-read": {"POST": USER},
    "api:message-receipts": {"GET": USER},
    "api:message-history": {"GET": USER},
}

PAGES: Table = {
    "inbox": {"GET": USER},
    "notifications": {"GET": USER},
    "notifications-read": {"POST": USER},
    "chat-new": {"GET": USER},
    "chat-open": {"POST": USER},
    "group-new": {"GET": USER},
    "group-search": {"POST": USER},
    "group-create": {"POST": USER},
    "conversation": {"GET": USER},
    "message-send": {"POST": USER},
    "seen": {"GET": USER},
    "chat-details": {"GET": USER},
    "group-update": {"POST": USER},
    "members-add": {"POST": USER},
    "member-remove": {"POST": USER},
    "member-role": {"POST": USER},
    "group-leave": {"POST": USER},
    "group-delete": {"POST": USER},
    "chat-pin": {"POST": USER},
    "chat-archive": {"POST": USER},
    "chat-notify": {"POST": USER},
    "chat-mute": {"POST": USER},
    "chat-block": {"POST": USER},
    "chat-unblock": {"POST": USER},
    "message-page": {"GET": USER},
    "message-edit": {"POST": USER},
    "message-delete": {"POST": USER},
}

ROUTES: Table = {**SITE, **ACCOUNTS, **CHATS, **MESSAGES, **PAGES}
