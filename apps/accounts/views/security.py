"""REST: passwords and login sessions."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth import update_session_auth_hash
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import mails
from apps.accounts import selectors as read
from apps.accounts import serializers as shapes
from apps.accounts.services import passwords, sessions
from apps.accounts.views.base import PersonalView, PublicView
from messenger.core.limits import LOGIN_ADDRESS, MAIL_REQUEST, OWN_ACCOUNT
from messenger.core.pagination import PageQuery, page_of
from messenger.core.schema import describe


class PasswordChangeView(PersonalView):
    @describe(
        "Change the password",
        request=shapes.PasswordChangeInput,
        responses={204: None},
        errors=(403,),
        limit=OWN_ACCOUNT,
        description="Ends all other sessions.",
    )
    def post(self, request: Request) -> Response:
        data = self.body(shapes.PasswordChangeInput)
        user = passwords.password_change(
            user_id=self.user_id, session_id=self.identity.session_id, **data.model_dump()
        )
        if getattr(
            request._request, "identity", None
        ):  # a browser session depends on the password hash
            update_session_auth_hash(request._request, user)
        return Response(status=204)


class PasswordResetView(PublicView):
    @describe(
        "Request a mail for a new password",
        request=shapes.PasswordResetInput,
        responses={202: shapes.DetailOut},
        public=True,
        limit=MAIL_REQUEST,
        description="The answer is the same whether or not the e-mail address has an account.",
    )
    def post(self, request: Request) -> Response:
        data = self.body(shapes.PasswordResetInput)
        mails.send_password_reset(request._request, data.email)
        detail = _("If there is an account with this address, a mail is on its way.")
        return Response({"detail": detail}, status=202)


class PasswordResetConfirmView(PublicView):
    @describe(
        "Set a new password with the key from the mail",
        request=shapes.PasswordResetConfirmInput,
        responses={204: None},
        public=True,
        limit=LOGIN_ADDRESS,
        description="Ends all sessions. 400 `invalid_key`: wrong, expired or used before.",
    )
    def post(self, request: Request) -> Response:
        data = self.body(shapes.PasswordResetConfirmInput)
        passwords.password_reset_confirm(**data.model_dump())
        return Response(status=204)


class SessionsView(PersonalView):
    @describe(
        "My login sessions",
        query=PageQuery,
        responses={200: shapes.LoginSessionsPage},
        description="Apps and browsers, the most recently used first.",
    )
    def get(self, request: Request) -> Response:
        rows, numbers = page_of(read.session_list_for(self.user_id), self.query(PageQuery))
        items = [shapes.login_session_out(row, self.identity.session_id) for row in rows]
        return Response({"items": items, **numbers})


class SessionView(PersonalView):
    @describe(
        "End a login session", responses={204: None}, errors=(403, 404), description="At once."
    )
    def delete(self, request: Request, session_id: UUID) -> Response:
        sessions.session_revoke(user_id=self.user_id, session_id=session_id)
        return Response(status=204)
