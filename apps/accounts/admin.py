"""The admin of users, login sessions, devices and notifications."""

from __future__ import annotations

from typing import Any

# Imported first: what they register is unregistered below.
import allauth.account.admin
import allauth.mfa.admin  # noqa: F401
from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.accounts.models import Device, LoginSession, Notification, User
from apps.accounts.rules import device_name
from apps.accounts.selectors import people_search_by_staff
from apps.accounts.services.profile import user_set_active
from apps.accounts.services.roles import user_set_roles
from apps.accounts.services.sessions import sessions_revoke
from messenger.core.admin import ReadOnlyAdmin

# Secrets, and proofs of identity, which staff must not read or change.
for model in (Authenticator, EmailAddress):
    admin.site.unregister(model)


def password_change(request: HttpRequest, extra_context: Any = None) -> HttpResponseRedirect:
    """Redirect to the site's page, which also ends other sessions."""
    return redirect("account_change_password")


# The site's sign-in, with second factor, rate limits and login sessions.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.password_change = password_change  # type: ignore[method-assign,assignment]

FLAGS = ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    """Users: staff search, deactivate and activate them; superadmins change their rights."""

    list_display = ("username", "email", "name", "is_active", "is_staff", "date_joined")
    list_filter = (
        "is_active",
        "is_staff",
        "is_superuser",
        ("deleted_at", admin.EmptyFieldListFilter),
    )
    search_fields = ("username",)
    search_help_text = gettext_lazy("Beginning of a name, whole e-mail address, or id")
    ordering = ("-id",)
    fields = (
        *("id", "username", "email", "display_name", "bio", "locale", "time_zone"),
        *FLAGS,
        *("date_joined", "last_login", "updated_at", "deleted_at"),
    )
    filter_horizontal = ("groups", "user_permissions")
    actions = ("switch_off", "switch_on", "sign_out")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return admin.ModelAdmin.has_change_permission(self, request, obj)

    def get_readonly_fields(self, request: Any, obj: Any = None) -> list[str]:
        changeable = {"is_active"} if can_deactivate(request.user, obj) else set()
        if changeable and request.user.is_superuser:
            changeable = set(FLAGS)
        return [name for name in self.fields if name not in changeable]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        return people_search_by_staff(queryset, search_term), False

    def save_model(self, request: Any, obj: User, form: forms.ModelForm, change: bool) -> None:  # type: ignore[type-arg]
        data, actor_id = form.cleaned_data, request.user.pk
        if "is_staff" in data:
            user_set_roles(
                actor_id=actor_id,
                user_id=obj.pk,
                is_staff=data["is_staff"],
                is_superuser=data["is_superuser"],
                groups=data["groups"],
                permissions=data["user_permissions"],
            )
        if "is_active" in data:
            user_set_active(actor_id=actor_id, user_id=obj.pk, is_active=data["is_active"])

    def save_related(self, request: Any, form: Any, formsets: Any, change: bool) -> None:
        """Do nothing: the services in `save_model` have saved."""

    @admin.action(description=gettext_lazy("Switch off"), permissions=["change"])
    def switch_off(self, request: Any, queryset: QuerySet[User]) -> None:
        self._switch(request, queryset, is_active=False)

    @admin.action(description=gettext_lazy("Switch on"), permissions=["change"])
    def switch_on(self, request: Any, queryset: QuerySet[User]) -> None:
        self._switch(request, queryset, is_active=True)

    @admin.action(description=gettext_lazy("Sign out everywhere"), permissions=["change"])
    def sign_out(self, request: Any, queryset: QuerySet[User]) -> None:
        for person in queryset:
            if can_deactivate(request.user, person):
                sessions_revoke(user_id=person.pk, reason="staff")
                self.log_change(request, person, _("Signed out everywhere"))

    def _switch(self, request: Any, queryset: QuerySet[User], *, is_active: bool) -> None:
        for person in queryset:
            if can_deactivate(request.user, person):
                user_set_active(actor_id=request.user.pk, user_id=person.pk, is_active=is_active)
                self.log_change(request, person, f"is_active: {is_active}")


def can_deactivate(staff: User, person: User | None) -> bool:
    """Whether `staff` may deactivate the user: not oneself, no deleted account; superadmins only by
    superadmins."""
    return (
        person is not None
        and person.pk != staff.pk
        and person.deleted_at is None
        and (staff.is_superuser or not person.is_superuser)
    )


class PersonalDataAdmin(ReadOnlyAdmin):
    """Rows of people, looked up by the person."""

    list_select_related = ("user",)
    search_fields = ("user__username",)
    search_help_text = gettext_lazy("Beginning of a name, whole e-mail address, or id")
    ordering = ("-id",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term.strip():
            return queryset, False
        people = people_search_by_staff(User.objects.all(), search_term)
        return queryset.filter(user__in=people), False


@admin.register(LoginSession)
class LoginSessionAdmin(PersonalDataAdmin):
    """Where people are signed in; keys and tokens are not shown."""

    list_display = ("user", "kind", "device", "ip_address", "last_seen_at", "revoked_at")
    list_filter = ("kind", ("revoked_at", admin.EmptyFieldListFilter), "revoke_reason")
    fields = (
        *("id", "user", "kind", "device", "user_agent", "ip_address"),
        *("created_at", "last_seen_at", "expires_at", "revoked_at", "revoke_reason"),
    )
    actions = ("end",)

    @admin.display(description=gettext_lazy("device"))
    def device(self, session: LoginSession) -> str:
        return device_name(session.user_agent)

    def has_revoke_permission(self, request: Any) -> bool:
        return bool(request.user.has_perm("accounts.change_loginsession"))

    @admin.action(description=gettext_lazy("End these sessions"), permissions=["revoke"])
    def end(self, request: Any, queryset: QuerySet[LoginSession]) -> None:
        ended = 0
        for session in queryset.select_related("user"):
            if session.user_id == request.user.pk or can_deactivate(request.user, session.user):
                ended += sessions_revoke(
                    user_id=session.user_id, session_ids=[session.pk], reason="staff"
                )
                self.log_change(request, session, _("Ended"))
        text = ngettext("%d session ended.", "%d sessions ended.", ended) % ended
        messages.success(request, text)


@admin.register(Device)
class DeviceAdmin(PersonalDataAdmin):
    """Where pushes go; addresses and keys are not shown: who has them can push and read."""

    list_display = ("user", "kind", "created_at", "seen_at", "failing_since")
    list_filter = ("kind", ("failing_since", admin.EmptyFieldListFilter))
    fields = ("id", "user", "session", "kind", "created_at", "seen_at", "failing_since")


@admin.register(Notification)
class NotificationAdmin(PersonalDataAdmin):
    """Notifications of users, without texts."""

    list_display = ("user", "kind", "created_at", "read_at", "mailed_at")
    list_filter = ("kind", ("read_at", admin.EmptyFieldListFilter))
    ordering = ("-created_at",)
    fields = (
        *("id", "user", "kind", "subject", "thread", "position", "pushed", "payload"),
        *("created_at", "read_at", "mailed_at"),
    )
