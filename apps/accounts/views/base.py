"""Base classes of this app's REST views."""

from __future__ import annotations

from typing import Any, cast

from apps.accounts import selectors as read
from apps.accounts.services import login as signing_in
from messenger.core.address import client_address
from messenger.core.api import ApiView


class PublicView(ApiView):
    """For callers who are not signed in: tokens and cookies are ignored."""

    authentication_classes = ()

    @property
    def device(self) -> signing_in.Device:
        return signing_in.Device(
            user_agent=self.request.headers.get("User-Agent", ""),
            ip_address=client_address(self.request.META),
        )


class PersonalView(ApiView):
    """For signed-in users."""

    @property
    def identity(self) -> read.Identity:
        identity: Any = self.request.auth
        return cast(read.Identity, identity)
