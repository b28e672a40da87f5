"""REST: registration, sign-in, token refresh, sign-out."""

from __future__ import annotations

from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import mails
from apps.accounts import serializers as shapes
from apps.accounts.errors import EmailNotConfirmed
from apps.accounts.services import login as signing_in
from apps.accounts.services import registration, sessions
from apps.accounts.views.base import PersonalView, PublicView
from messenger.core.errors import NotAuthenticated
from messenger.core.limits import LOGIN_ACCOUNT, LOGIN_ADDRESS, REFRESH, REGISTER
from messenger.core.schema import describe


class RegisterView(PublicView):
    @describe(
        "Register",
        request=shapes.RegisterInput,
        responses={201: shapes.RegisteredOut},
        public=True,
        limit=REGISTER,
        description=(
            "Sends a confirmation mail. Where confirmation is mandatory, the answer has only "
            "`detail`, the same whether or not the e-mail address has an account."
        ),
    )
    def post(self, request: Request) -> Response:
        data = self.body(shapes.RegisterInput)
        result = registration.user_register(**data.model_dump())
        mails.send_registration(request._request, result, data.email)
        if result.user is None or registration.confirmation_is_mandatory():
            return Response({"detail": _("Follow the link that we have mailed you.")}, status=201)
        pair = signing_in.device_sign_in(user=result.user, device=self.device)
        return Response(shapes.signed_in_out(result.user, pair, email_confirmed=False), status=201)


class LoginView(PublicView):
    @describe(
        "Sign in",
        request=shapes.LoginInput,
        responses={200: shapes.SignedInOut},
        errors=(401, 403),
        public=True,
        limit=LOGIN_ADDRESS,
        outcome_limits=(LOGIN_ACCOUNT,),
        description=(
            "401 `invalid_credentials`; 401 `otp_required`: repeat the request with `otp`; 401 "
            "`otp_invalid`; 403 `email_not_confirmed`: the mail is sent again; 403 "
            "`passkey_required`: sign in on the page."
        ),
    )
    def post(self, request: Request) -> Response:
        data = self.body(shapes.LoginInput)
        result = signing_in.user_login(**data.model_dump(), device=self.device)
        if result.tokens is None:
            mails.send_confirmation(request._request, result.user)
            raise EmailNotConfirmed
        return Response(shapes.signed_in_out(result.user, result.tokens, result.email_confirmed))


class RefreshView(PublicView):
    @describe(
        "Get new tokens",
        request=shapes.RefreshInput,
        responses={200: shapes.TokensOut},
        errors=(401,),
        public=True,
        limit=REFRESH,
        description=(
            "A refresh token works once; a retry within seconds gets the same answer. A later "
            "reuse ends the session: 401 `refresh_reused`."
        ),
    )
    def post(self, request: Request) -> Response:
        data = self.body(shapes.RefreshInput)
        pair = sessions.session_refresh(refresh=data.refresh)
        return Response(shapes.tokens_out(pair))


class LogoutView(PersonalView):
    @describe(
        "Sign out",
        request=shapes.LogoutInput,
        responses={204: None},
        errors=(401, 403),
        public=True,
        description="Ends the calling session, or the one of the given refresh token, at once.",
    )
    def post(self, request: Request) -> Response:
        data = self.body(shapes.LogoutInput)
        if data.refresh is not None:
            sessions.session_logout(refresh=data.refresh)
        elif request.user.is_authenticated:
            sessions.sessions_revoke(
                user_id=self.user_id, session_ids=[self.identity.session_id], reason="logout"
            )
        else:
            raise NotAuthenticated
        return Response(status=204)


class EmailConfirmView(PublicView):
    @describe(
        "Confirm the e-mail address with the key from the mail",
        request=shapes.EmailConfirmInput,
        responses={204: None},
        public=True,
        limit=LOGIN_ADDRESS,
        description="400 `invalid_key`: wrong, expired or used before.",
    )
    def post(self, request: Request) -> Response:
        data = self.body(shapes.EmailConfirmInput)
        registration.email_confirm(key=data.key)
        return Response(status=204)
