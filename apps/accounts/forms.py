"""Forms of the account pages: second factor, profile, settings."""

from __future__ import annotations

from typing import Any, ClassVar

from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as mfa_forms
from django import forms
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.accounts.rules import is_displayable
from apps.accounts.serializers import time_zones
from apps.accounts.services.second_factor import second_factor_use
from messenger.core.errors import LimitExceeded
from messenger.core.limits import LOGIN_ADDRESS, OWN_ACCOUNT


class SecondFactor:
    """Checks a code and marks it as used in the database, so that each works once everywhere."""

    user: User
    cleaned_data: dict[str, Any]

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        try:
            LOGIN_ADDRESS.enforce(context.request)
            OWN_ACCOUNT.take(self.user.pk)  # before sign-in the request has no user
        except LimitExceeded as error:
            raise forms.ValidationError(str(error.title)) from None
        authenticator = second_factor_use(user=self.user, code=code)
        if authenticator is None:
            raise get_adapter().validation_error("incorrect_code")
        authenticator.user = self.user
        self.authenticator = authenticator
        return code


class AuthenticateForm(SecondFactor, mfa_forms.AuthenticateForm):  # type: ignore[misc]
    """The second step of signing in."""


class ReauthenticateForm(SecondFactor, mfa_forms.ReauthenticateForm):  # type: ignore[misc]
    """A fresh proof of identity before a sensitive change."""


class PersonForm(forms.Form):
    """Names one person for an action."""

    user_id = forms.UUIDField()


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]
    """My profile, language, time zone and privacy."""

    class Meta:
        model = User
        fields = (
            "display_name",
            "bio",
            "locale",
            "time_zone",
            "last_seen_visibility",
            "writes_from",
            "found_by_email",
        )
        widgets: ClassVar[dict[str, forms.Widget]] = {"bio": forms.Textarea(attrs={"rows": 4})}

    def clean_display_name(self) -> str:
        return _displayable(self.cleaned_data["display_name"])

    def clean_bio(self) -> str:
        return _displayable(self.cleaned_data["bio"].replace("\r\n", "\n"), multiline=True)

    def clean_time_zone(self) -> str:
        if self.cleaned_data["time_zone"] not in time_zones():
            raise forms.ValidationError(_("There is no such time zone."))
        return str(self.cleaned_data["time_zone"])


class SessionForm(forms.Form):
    """One login session, to sign out."""

    session_id = forms.UUIDField()


class NotificationsForm(forms.ModelForm):  # type: ignore[type-arg]
    """Mails and pushes while I am away."""

    class Meta:
        model = User
        fields = ("email_digest", "push_shows_text")


def _displayable(text: str, *, multiline: bool = False) -> str:
    if not is_displayable(text, multiline=multiline):
        raise forms.ValidationError(_("Control characters are not allowed."))
    return text
