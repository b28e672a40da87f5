"""Forms of the pages on which people start chats, run groups and set their preferences."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts.forms import PersonForm
from apps.chats.models import Participant
from apps.chats.serializers import GroupChatInput, ParticipantsInput
from messenger.core.forms import ShapeField, UUIDListField, on_off

HOURS = {"1h": 1, "8h": 8}
FAR_FUTURE = datetime(2999, 1, 1, tzinfo=UTC)  # muted until the person unmutes the chat


class GroupForm(forms.Form):
    """A group's name and description."""

    title = ShapeField(GroupChatInput, "title", label=_("Group name"))
    description = ShapeField(
        GroupChatInput,
        "description",
        label=_("Description"),
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class NewGroupForm(forms.Form):
    """A group's name and the people that its creator has chosen."""

    title = ShapeField(
        GroupChatInput,
        "title",
        label=_("Group name"),
        error_messages={"required": _("Give the group a name.")},
    )
    member_ids = UUIDListField(GroupChatInput, "member_ids", required=False)


class MembersForm(forms.Form):
    """People to add to a group."""

    member_ids = UUIDListField(ParticipantsInput, "user_ids")


class RoleForm(PersonForm):
    """A member's new role."""

    role = forms.ChoiceField(choices=Participant.Role.choices)


class PreferenceForm(forms.Form):
    """One of my preferences for a chat."""

    def changes(self) -> dict[str, Any]:
        """The fields of the participant to change."""
        return self.cleaned_data


class PinForm(PreferenceForm):
    """Pin the chat to the top of the list."""

    pinned = on_off()


class ArchiveForm(PreferenceForm):
    """Move the chat to the archive."""

    archived = on_off()


class NotifyForm(PreferenceForm):
    """Which messages notify me while I am away."""

    notify = forms.ChoiceField(choices=Participant.Notify.choices)


class MuteForm(PreferenceForm):
    """Mute the chat for a while, or unmute it."""

    period = forms.ChoiceField(choices=[(name, name) for name in ("off", "1h", "8h", "forever")])

    def changes(self) -> dict[str, Any]:
        """`muted_until`: a moment, or None for a chat that is not muted."""
        period = self.cleaned_data["period"]
        if period in HOURS:
            return {"muted_until": timezone.now() + timedelta(hours=HOURS[period])}
        return {"muted_until": FAR_FUTURE if period == "forever" else None}
