"""Site-wide rights, which superadmins grant and revoke."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.contrib.auth.models import Group, Permission
from django.db import transaction

from apps.accounts.events import UserRolesChanged
from apps.accounts.models import User
from apps.accounts.services.sessions import sessions_revoke
from messenger.core.events import emit


def user_set_roles(
    *,
    actor_id: UUID,
    user_id: UUID,
    is_staff: bool,
    is_superuser: bool,
    groups: Collection[Group],
    permissions: Collection[Permission],
) -> None:
    """Set the rights of a user. The actor is a superadmin.

    A user who loses rights is signed out everywhere, because access tokens contain the rights.
    """
    with transaction.atomic():
        user = User.objects.select_for_update().get(id=user_id)
        before = _rights(user)
        user.is_staff, user.is_superuser = is_staff, is_superuser
        user.save(update_fields=["is_staff", "is_superuser", "updated_at"])
        user.groups.set(groups)
        user.user_permissions.set(permissions)
        after = _rights(user)
        if after == before:
            return
        if before - after:
            sessions_revoke(user_id=user_id, reason="roles")
        emit(
            UserRolesChanged(
                user_id=user_id,
                is_staff=is_staff,
                is_superadmin=is_superuser,
                roles=sorted(group.name for group in groups),
            ),
            actor_id=actor_id,
        )


def _rights(user: User) -> set[tuple[str, object]]:
    return {
        *(("group", pk) for pk in user.groups.values_list("pk", flat=True)),
        *(("permission", pk) for pk in user.user_permissions.values_list("pk", flat=True)),
        *(("flag", name) for name in ("is_staff", "is_superuser") if getattr(user, name)),
    }
