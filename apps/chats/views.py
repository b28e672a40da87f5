"""REST: participants. (Chats are listed with their messages, in `apps.messages`.)"""

from __future__ import annotations

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from apps.chats import selectors
from apps.chats.serializers import (
    ParticipantOut,
    ParticipantPage,
    ParticipantsInput,
    RoleInput,
)
from apps.chats.services import participants
from messenger.core.api import ApiView
from messenger.core.pagination import PageQuery
from messenger.core.schema import describe


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
        return Response(selectors.serialized_participants(self.user_id, [row])[0])

    @describe(
        "Remove somebody, or leave",
        description="A group whose last owner leaves passes to its oldest admin or member.",
        responses={204: None},
        errors=(403, 404, 409),
    )
    def delete(self, request: Request, chat_id: UUID, user_id: UUID) -> Response:
        participants.participant_remove(actor_id=self.user_id, chat_id=chat_id, user_id=user_id)
        return Response(status=204)
