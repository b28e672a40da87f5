"""REST: my account, and people."""

from __future__ import annotations

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import selectors as read
from apps.accounts import serializers as shapes
from apps.accounts.services import blocks, profile, registration
from apps.accounts.views.base import PersonalView
from messenger.core.limits import OWN_ACCOUNT, SEARCH
from messenger.core.pagination import PageQuery, page_of
from messenger.core.schema import describe


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
        description="Only given fields change.",
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
        limit=OWN_ACCOUNT,
        description="Personal data is deleted; messages stay without my name.",
    )
    def delete(self, request: Request) -> Response:
        data = self.body(shapes.UserDeleteInput)
        profile.user_delete(user_id=self.user_id, password=data.password)
        return Response(status=204)


class BlocksView(PersonalView):
    @describe(
        "People I have blocked, the latest first",
        query=PageQuery,
        responses={200: shapes.BlocksPage},
    )
    def get(self, request: Request) -> Response:
        rows, numbers = page_of(read.block_list_for(self.user_id), self.query(PageQuery))
        return Response({"items": [shapes.block_out(row) for row in rows], **numbers})


class PeopleView(PersonalView):
    @describe(
        "Search people",
        query=shapes.PeopleQuery,
        responses={200: shapes.PeoplePage},
        limit=SEARCH,
    )
    def get(self, request: Request) -> Response:
        query = self.query(shapes.PeopleQuery)
        people = read.people_search(viewer_id=self.user_id, search=query.search)
        rows, numbers = page_of(people, query)
        return Response({"items": [shapes.person_out(row) for row in rows], **numbers})


class PersonView(PersonalView):
    @describe(
        "A person's public profile",
        description="With presence, if you share a chat and the person does not hide it.",
        responses={200: shapes.ProfileOut},
        errors=(404,),
    )
    def get(self, request: Request, user_id: UUID) -> Response:
        return Response(read.person_for(self.user_id, user_id))


class BlockView(PersonalView):
    @describe(
        "Block a person",
        description=(
            "The person cannot write to you, add you to groups or see your presence. They are not "
            "notified; they get 403 `not_accepting_messages`, as from people who accept messages "
            "only from contacts. You cannot write to them either: 403 `person_blocked`. Common "
            "groups are not affected."
        ),
        responses={204: None},
        errors=(403, 404),
    )
    def put(self, request: Request, user_id: UUID) -> Response:
        blocks.user_block(actor_id=self.user_id, user_id=user_id)
        return Response(status=204)

    @describe("Unblock a person", responses={204: None}, errors=(403, 404))
    def delete(self, request: Request, user_id: UUID) -> Response:
        blocks.user_unblock(actor_id=self.user_id, user_id=user_id)
        return Response(status=204)
