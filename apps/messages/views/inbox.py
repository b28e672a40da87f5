"""REST: my chats, each with its last message and unread counts."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Discriminator, RootModel
from rest_framework.request import Request
from rest_framework.response import Response

from apps.chats.models import Chat
from apps.chats.serializers import (
    ChatPatchInput,
    DirectChatInput,
    GroupChatInput,
    PreferencesInput,
    PreferencesOut,
    preferences_out,
)
from apps.chats.services import direct, groups
from apps.chats.services.preferences import preferences_set
from apps.messages import selectors
from apps.messages.serializers import InboxChatOut, InboxOut, ReadInput
from apps.messages.services.read import messages_read
from messenger.core.api import ApiView
from messenger.core.errors import InvalidInput
from messenger.core.limits import NEW_CHATS
from messenger.core.schema import describe


class ChatInput(RootModel[Annotated[DirectChatInput | GroupChatInput, Discriminator("kind")]]):
    """A direct chat or a group."""


class ChatsView(ApiView):
    """`/chats`."""

    @describe("My chats, by last activity", responses={200: InboxOut})
    def get(self, request: Request) -> Response:
        return Response({"items": selectors.chats_for(self.user_id)})

    @describe(
        "Open a direct chat or make a group",
        description="A direct chat exists once a pair: 201 when it is new, else 200.",
        request=ChatInput,
        responses={201: InboxChatOut, 200: InboxChatOut},
        errors=(403, 404, 409),
        outcome_limits=(NEW_CHATS,),
    )
    def post(self, request: Request) -> Response:
        chat, created = self._open()
        body = selectors.chat_for(self.user_id, chat.id)
        return Response(body, status=201 if created else 200)

    def _open(self) -> tuple[Chat, bool]:
        kind = self.request.data.get("kind") if isinstance(self.request.data, dict) else None
        if kind == "direct":
            person = self.body(DirectChatInput).user_id
            return direct.chat_open_direct(
                actor_id=self.user_id, user_id=person, new_chat_limit=NEW_CHATS
            )
        if kind != "group":
            raise InvalidInput(
                errors=[{"field": "kind", "code": "enum", "detail": "Give direct or group."}]
            )
        NEW_CHATS.enforce(self.request)
        group = self.body(GroupChatInput).model_dump(exclude={"kind"})
        return groups.group_create(actor_id=self.user_id, **group), True


class ChatView(ApiView):
    """`/chats/{id}`."""

    @describe("One of my chats", responses={200: InboxChatOut}, errors=(404,))
    def get(self, request: Request, chat_id: UUID) -> Response:
        return Response(selectors.chat_for(self.user_id, chat_id))

    @describe(
        "Change a group",
        request=ChatPatchInput,
        responses={200: InboxChatOut},
        errors=(403, 404, 409),
    )
    def patch(self, request: Request, chat_id: UUID) -> Response:
        changes = self.body(ChatPatchInput).model_dump(exclude_unset=True)
        groups.chat_update(actor_id=self.user_id, chat_id=chat_id, **changes)
        return Response(selectors.chat_for(self.user_id, chat_id))

    @describe(
        "End a group that I own",
        responses={204: None},
        errors=(403, 404, 409),
    )
    def delete(self, request: Request, chat_id: UUID) -> Response:
        groups.group_delete(actor_id=self.user_id, chat_id=chat_id)
        return Response(status=204)


class ChatReadView(ApiView):
    """`/chats/{id}/read`."""

    @describe(
        "Read up to here",
        description="Cumulative; a smaller `seq` than before changes nothing.",
        request=ReadInput,
        responses={204: None},
        errors=(404,),
    )
    def post(self, request: Request, chat_id: UUID) -> Response:
        seq = self.body(ReadInput).seq
        messages_read(actor_id=self.user_id, chat_id=chat_id, seq=seq)
        return Response(status=204)


class ChatPreferencesView(ApiView):
    """`/chats/{id}/preferences`."""

    @describe(
        "Change my preferences for a chat",
        description="Only what is given changes, and only for me.",
        request=PreferencesInput,
        responses={200: PreferencesOut},
        errors=(404,),
    )
    def patch(self, request: Request, chat_id: UUID) -> Response:
        changes = self.body(PreferencesInput).model_dump(exclude_unset=True)
        mine = preferences_set(actor_id=self.user_id, chat_id=chat_id, changes=changes)
        return Response(preferences_out(mine))
