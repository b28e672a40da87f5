"""REST: who takes part in a chat. (The chats themselves are listed with their messages.)"""

from __future__ import annotations

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.serializers import SeenPersonOut
from apps.chats import selectors
from apps.chats.serializers import (
    ParticipantOut,
    ParticipantPage,
    ParticipantsInput,
    RoleInput,
)
from apps.chats.services import blocks, participants
from messenger.core.api import ApiView
from messenger.core.pagination import PageQuery
from messenger.core.schema import describe


class PersonView(ApiView):
    """`/users/{id}`; here, because what one sees of people depends on shared chats."""

    @describe(
        "A person's public profile",
        description="With their presence, where you share a chat with them and they tell it.",
        responses={200: SeenPersonOut},
        errors=(404,),
    )
    def get(self, request: Request, user_id: UUID) -> Response:
        return Response(selectors.person_for(self.user_id, user_id))


class BlockView(ApiView):
    """`/users/{id}/block`."""

    @describe(
        "Block a person",
        description=(
            "They cannot write to you, add you to groups, or see when you are here; they are not "
            "told, and get 403 `not_accepting_messages`, as from anybody who takes no messages "
            "from them. Nor can you write to them: 403 `person_blocked`. Groups in common go on."
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


class ParticipantsView(ApiView):
    """`/chats/{id}/participants`."""

    @describe(
        "Who takes part, oldest first",
        query=PageQuery,
        responses={200: ParticipantPage},
        errors=(404,),
    )
    def get(self, request: Request, chat_id: UUID) -> Response:
        query = self.query(PageQuery)
        return Response(selectors.participant_page_for(self.user_id, chat_id, query))

    @describe(
        "Add people to a group",
        description="Who is in already stays as they are. Answers with the first page.",
        request=ParticipantsInput,
        responses={200: ParticipantPage},
        errors=(403, 404, 409),
    )
    def post(self, request: Request, chat_id: UUID) -> Response:
        data = self.body(ParticipantsInput)
        participants.participants_add(
            actor_id=self.user_id, chat_id=chat_id, user_ids=data.user_ids
        )
        return Response(selectors.participant_page_for(self.user_id, chat_id, PageQuery()))


class ParticipantView(ApiView):
    """`/chats/{id}/participants/{user_id}`."""

    @describe(
        "Promote or demote; `owner` hands the group over",
        request=RoleInput,
        responses={200: ParticipantOut},
        errors=(403, 404, 409),
    )
    def patch(self, request: Request, chat_id: UUID, user_id: UUID) -> Response:
        row = participants.participant_set_role(
            actor_id=self.user_id,
            chat_id=chat_id,
            user_id=user_id,
            role=self.body(RoleInput).role,
        )
        return Response(selectors.participants_dressed(self.user_id, [row])[0])

    @describe(
        "Remove somebody, or leave",
        description="A group whose last owner leaves passes to its oldest admin or member.",
        responses={204: None},
        errors=(403, 404, 409),
    )
    def delete(self, request: Request, chat_id: UUID, user_id: UUID) -> Response:
        participants.participant_remove(actor_id=self.user_id, chat_id=chat_id, user_id=user_id)
        return Response(status=204)
