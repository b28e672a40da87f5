"""Forms of the pages on which people write, edit and read messages, and search for people."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.accounts.serializers import PeopleQuery
from apps.messages.serializers import BIGINT_MAX, MessageEditInput, MessageSendInput
from messenger.core.forms import ShapeField

TEXT_ERRORS = {
    "required": _("Write something first."),
    "max_length": _("This message is too long: at most %(limit_value)d characters."),
}


class SendForm(forms.Form):
    """A new message; its id makes a second click harmless."""

    text = ShapeField(MessageSendInput, "text", error_messages=TEXT_ERRORS)
    message_id = forms.UUIDField(required=False)
    reply_to = forms.UUIDField(required=False)


class EditForm(forms.Form):
    """A message's new text."""

    text = ShapeField(
        MessageEditInput,
        "text",
        label=_("New text"),
        error_messages=TEXT_ERRORS,
        widget=forms.Textarea(attrs={"rows": 5, "dir": "auto"}),
    )


class PositionForm(forms.Form):
    """A position in the list of notifications."""

    seq = forms.IntegerField(min_value=0, max_value=BIGINT_MAX)


class SearchForm(forms.Form):
    """The beginning of a person's name."""

    q = ShapeField(PeopleQuery, "search", required=False)

    @property
    def term(self) -> str:
        """What to search for; empty for no search."""
        return str(self.cleaned_data["q"]) if self.is_valid() else ""


def seq_or_none(text: str) -> int | None:
    """A position from a page's address; None for anything that is none."""
    return int(text) if text.isdecimal() and len(text) < len(str(BIGINT_MAX)) else None
