"""The second factor: codes of authenticator apps, and recovery codes. Each works once."""

from __future__ import annotations

import time

from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.mfa.utils import decrypt
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from apps.accounts.errors import OtpInvalid, OtpRequired, PasskeyRequired
from apps.accounts.models import User

LAST_COUNTER = "last_counter"


def second_factor_verify(*, user: User, code: str | None) -> None:
    """Verify and use up the code of a user with a second factor; do nothing for others.

    Raises `OtpRequired`, `OtpInvalid`, or `PasskeyRequired` where codes are not set up.
    """
    kinds = set(Authenticator.objects.filter(user=user).values_list("type", flat=True))
    if not kinds:
        return
    if code is None:
        raise OtpRequired if kinds - {Authenticator.Type.WEBAUTHN} else PasskeyRequired
    if second_factor_use(user=user, code=code) is None:
        raise OtpInvalid


def second_factor_use(*, user: User, code: str) -> Authenticator | None:
    """Use up `code`; returns its authenticator, or None where the code is invalid."""
    digits = "".join(character for character in code if character not in " -")
    with transaction.atomic():
        # Locked, so that of two requests with the same code one fails.
        rows = Authenticator.objects.select_for_update().filter(
            user=user, type__in=[Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES]
        )
        for row in rows.order_by("-type", "pk"):
            is_valid = (
                _use_totp(row, digits)
                if row.type == Authenticator.Type.TOTP
                else RecoveryCodes(row).validate_code(digits)
            )
            if is_valid:
                Authenticator.objects.filter(pk=row.pk).update(last_used_at=timezone.now())
                return row
    return None


def _use_totp(row: Authenticator, digits: str) -> bool:
    """Verify a code by RFC 6238, with tolerance, and only if it is newer than the last one used."""
    secret = decrypt(row.data["secret"])
    now = int(time.time()) // app_settings.TOTP_PERIOD
    for counter in range(now - app_settings.TOTP_TOLERANCE, now + app_settings.TOTP_TOLERANCE + 1):
        expected = format_hotp_value(hotp_value(secret, counter))
        if constant_time_compare(expected, digits):
            if counter <= row.data.get(LAST_COUNTER, -1):
                return False
            row.data[LAST_COUNTER] = counter
            row.save(update_fields=["data"])
            return True
    return False
