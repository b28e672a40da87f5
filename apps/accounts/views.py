"""REST: signing up, in and out, and people."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import mails
from apps.accounts import selectors as read
from apps.accounts import serializers as shapes
from apps.accounts.errors import EmailNotConfirmed
from apps.accounts.services import login as signing_in
from apps.accounts.services import passwords, profile, registration, sessions
from messenger.core.address import client_address
from messenger.core.api import ApiView
from messenger.core.errors import NotAuthenticated
from messenger.core.pagination import PageQuery, page_of
from messenger.core.schema import describe
from messenger.core.throttles import take


class PublicView(ApiView):
    """For people who cannot have an identity yet: stale tokens and cookies do not matter."""

    authentication_classes = ()

    @property
    def device(self) -> signing_in.Device:
        return signing_in.Device(
            user_agent=self.request.headers.get("User-Agent", ""),
            ip_address=client_address(self.request.META),
        )


class PersonalView(ApiView):
    """For signed-in people."""

    @property
    def identity(self) -> read.Identity:
        identity: Any = self.request.auth
        return cast(read.Identity, identity)


class RegisterView(PublicView):
    @describe(
        "Register",
        request=shapes.RegisterInput,
        responses={201: shapes.RegisteredOut},
        public=True,
        description=(
            "Sends a confirmation mail. Where the site makes confirmation a duty, the answer has "
            "only `detail`, the same whether or not the e-mail address has an account."
        ),
    )
    def post(self, request: Request) -> Response:
        data = self.body(shapes.RegisterInput)
        take("register", self.device.ip_address or "unknown")
        result = registration.user_register(**data.model_dump())
        mails.send_registration(request._request, result, data.email)
        if result.user is None or registration.confirmation_is_duty():
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
        description=(
            "401 `invalid_credentials`; 401 `otp_required`: send all again with `otp`; 401 "
            "`otp_invalid`; 403 `email_not_confirmed`: the mail was sent again; 403 "
            "`passkey_required`: sign in on the page. Throttled per account and per address."
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
        description=(
            "A refresh token works once; a retry within seconds gets the same answer again. Used "
            "later a second time it ends the whole session: 401 `refresh_reused`."
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
        description="Ends the session that asks, or the one of the given refresh token, at once.",
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


class PasswordChangeView(PersonalView):
    @describe(
        "Change the password",
        request=shapes.PasswordChangeInput,
        responses={204: None},
        errors=(403,),
        description="Ends all other sessions.",
    )
    def post(self, request: Request) -> Response:
        data = self.body(shapes.PasswordChangeInput)
        take("login_account", str(self.user_id))
        passwords.password_change(
            user_id=self.user_id, session_id=self.identity.session_id, **data.model_dump()
        )
        return Response(status=204)


class PasswordResetView(PublicView):
    @describe(
        "Ask for a password mail",
        request=shapes.PasswordResetInput,
        responses={202: shapes.DetailOut},
        public=True,
        description="The answer is the same whether or not the e-mail address has an account.",
    )
    def post(self, request: Request) -> Response:
        data = self.body(shapes.PasswordResetInput)
        take("mail_address", self.device.ip_address or "unknown")
        mails.send_password_reset(request._request, data.email)
        detail = _("If there is an account with this address, a mail is on its way.")
        return Response({"detail": detail}, status=202)


class PasswordResetConfirmView(PublicView):
    @describe(
        "Set a new password with the key out of the mail",
        request=shapes.PasswordResetConfirmInput,
        responses={204: None},
        public=True,
        description="Ends all sessions. 400 `invalid_key`: wrong, too old, or used before.",
    )
    def post(self, request: Request) -> Response:
        data = self.body(shapes.PasswordResetConfirmInput)
        take("login_address", self.device.ip_address or "unknown")
        passwords.password_reset_confirm(**data.model_dump())
        return Response(status=204)


class EmailConfirmView(PublicView):
    @describe(
        "Confirm the e-mail address with the key out of the mail",
        request=shapes.EmailConfirmInput,
        responses={204: None},
        public=True,
        description="400 `invalid_key`: wrong, too old, or used before.",
    )
    def post(self, request: Request) -> Response:
        data = self.body(shapes.EmailConfirmInput)
        take("login_address", self.device.ip_address or "unknown")
        registration.email_confirm(key=data.key)
        return Response(status=204)


class SessionsView(PersonalView):
    @describe(
        "List the devices on which I am signed in",
        query=PageQuery,
        responses={200: shapes.LoginSessionsPage},
        description="Apps and browsers, the latest seen first.",
    )
    def get(self, request: Request) -> Response:
        rows, numbers = page_of(read.session_list_for(self.user_id), self.query(PageQuery))
        items = [shapes.login_session_out(row, self.identity.session_id) for row in rows]
        return Response({"items": items, **numbers})


class SessionView(PersonalView):
    @describe("Sign a device out", responses={204: None}, errors=(403, 404), description="At once.")
    def delete(self, request: Request, session_id: UUID) -> Response:
        sessions.session_revoke(user_id=self.user_id, session_id=session_id)
        return Response(status=204)


class MeView(PersonalView):
    @describe("My account", responses={200: shapes.UserOut})
    def get(self, request: Request) -> Response:
        confirmed = registration.email_is_confirmed(self.identity.user)
        return Response(shapes.user_out(self.identity.user, email_confirmed=confirmed))

    @describe(
        "Change my profile",
        request=shapes.UserUpdateInput,
        responses={200: shapes.UserOut},
        errors=(403,),
        description="Only what is given changes.",
    )
    def patch(self, request: Request) -> Response:
        data = self.body(shapes.UserUpdateInput)
        user = profile.user_update(
            user_id=self.user_id, changes=data.model_dump(exclude_unset=True)
        )
        confirmed = registration.email_is_confirmed(user)
        return Response(shapes.user_out(user, email_confirmed=confirmed))

    @describe(
        "Delete my account",
        request=shapes.UserDeleteInput,
        responses={204: None},
        errors=(403,),
        description="Everything personal is wiped; what I wrote to others stays, without my name.",
    )
    def delete(self, request: Request) -> Response:
        data = self.body(shapes.UserDeleteInput)
        take("login_account", str(self.user_id))
        profile.user_delete(user_id=self.user_id, password=data.password)
        return Response(status=204)


class PeopleView(PersonalView):
    @describe("Search people", query=shapes.PeopleQuery, responses={200: shapes.PeoplePage})
    def get(self, request: Request) -> Response:
        query = self.query(shapes.PeopleQuery)
        take("search", str(self.user_id))
        people = read.people_search(viewer_id=self.user_id, search=query.search)
        rows, numbers = page_of(people, query)
        return Response({"items": [shapes.person_out(row) for row in rows], **numbers})


class PersonView(PersonalView):
    @describe("A person's public profile", responses={200: shapes.PersonOut}, errors=(404,))
    def get(self, request: Request, user_id: UUID) -> Response:
        return Response(shapes.person_out(read.access_person(self.user_id, user_id)))
