"""Errors of signing in, of tokens and of accounts."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from messenger.core.errors import Forbidden, InvalidInput, NotAuthenticated, NotFound, Retry


class InvalidToken(NotAuthenticated):
    """Not signed by this server, of the wrong kind, or expired."""

    code = "invalid_token"
    title = _("Your sign-in has expired. Sign in again.")


class SessionEnded(NotAuthenticated):
    """Signed out, revoked or expired on the server, although the token is valid."""

    code = "session_ended"
    title = _("You were signed out on this device.")


class RefreshReused(NotAuthenticated):
    """A refresh token was used a second time; its whole session has been revoked."""

    code = "refresh_reused"
    title = _("This device was signed out for safety. Sign in again.")


class InvalidCredentials(NotAuthenticated):
    """Unknown account, wrong password or deactivated account: the answer is the same for all."""

    code = "invalid_credentials"
    retry = Retry.NEVER
    title = _("Wrong name or password.")


class OtpRequired(NotAuthenticated):
    """The password was right; the request must be sent again with `otp`."""

    code = "otp_required"
    retry = Retry.NEVER
    title = _("Enter your two-factor code.")


class OtpInvalid(NotAuthenticated):
    """The code is wrong, too old, or was used before."""

    code = "otp_invalid"
    retry = Retry.NEVER
    title = _("Wrong code, or already used.")


class PasskeyRequired(Forbidden):
    """The second factor is a passkey, which only the sign-in page supports."""

    code = "passkey_required"
    title = _("Sign in on the website with your passkey.")


class EmailNotConfirmed(Forbidden):
    """The password was right, but the e-mail address must be confirmed first."""

    code = "email_not_confirmed"
    title = _("Confirm your e-mail address first.")


class InvalidKey(InvalidInput):
    """A key from a mail is wrong, too old or already used."""

    code = "invalid_key"
    title = _("This link is not valid or was already used.")


class PersonNotFound(NotFound):
    code = "person_not_found"
    title = _("There is no such person.")


class SessionNotFound(NotFound):
    code = "session_not_found"
    title = _("There is no such session.")


class DeviceNotFound(NotFound):
    code = "device_not_found"
    title = _("There is no such device.")


class FieldRefused(InvalidInput):
    """One field's value is refused although its shape is right, e.g. a name that is taken."""

    def __init__(self, field: str, code: str, detail: Any) -> None:
        super().__init__(errors=[{"field": field, "code": code, "detail": str(detail)}])
        self.field = field
