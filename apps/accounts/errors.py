"""What can go wrong when people prove who they are or change their account."""

from __future__ import annotations

from typing import Any, cast

from django.utils.translation import gettext_lazy

from messenger.core.errors import Forbidden, InvalidInput, NotAuthenticated, NotFound


def _(text: str) -> str:
    """Translated when it is shown; the base class types titles as plain text."""
    return cast(str, gettext_lazy(text))


class InvalidToken(NotAuthenticated):
    """Not a token of ours, of the wrong sort, or expired."""

    code = "invalid_token"
    title = _("The token is not valid or has expired")


class SessionEnded(NotAuthenticated):
    """Signed out, revoked or expired on the server, whatever the token says."""

    code = "session_ended"
    title = _("You are signed out on this device")


class RefreshReused(NotAuthenticated):
    """A refresh token was used a second time; its whole session has been revoked."""

    code = "refresh_reused"
    title = _("This refresh token was used before; sign in again")


class InvalidCredentials(NotAuthenticated):
    """Unknown account, wrong password or a deactivated account: never told apart."""

    code = "invalid_credentials"
    title = _("The name or the password is wrong")


class OtpRequired(NotAuthenticated):
    """The password was right; send it again together with `otp`."""

    code = "otp_required"
    title = _("Enter the code of your second factor")


class OtpInvalid(NotAuthenticated):
    """The code is wrong, too old, or was used before."""

    code = "otp_invalid"
    title = _("The code is wrong or was used before")


class PasskeyRequired(Forbidden):
    """The second factor is a passkey, which only the sign-in page can ask for."""

    code = "passkey_required"
    title = _("Sign in on the page with your passkey")


class EmailNotConfirmed(Forbidden):
    """The password was right, but the e-mail address must be confirmed first."""

    code = "email_not_confirmed"
    title = _("Confirm your e-mail address first")


class InvalidKey(InvalidInput):
    """A key from a mail is wrong, too old, or was used before."""

    code = "invalid_key"
    title = _("This link is not valid or was used before")


class PersonNotFound(NotFound):
    code = "person_not_found"
    title = _("There is no such person")


class SessionNotFound(NotFound):
    code = "session_not_found"
    title = _("There is no such session")


class DeviceNotFound(NotFound):
    code = "device_not_found"
    title = _("There is no such device")


class FieldRefused(InvalidInput):
    """One field's value cannot be taken, although its shape is right."""

    def __init__(self, field: str, code: str, detail: Any) -> None:
        super().__init__(errors=[{"field": field, "code": code, "detail": str(detail)}])
        self.field = field
