"""REST: messages."""

from __future__ import annotations

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from apps.chats.services.direct import chat_open_direct
from apps.messages import selectors
from apps.messages.serializers import (
    HistoryOut,
    MessageEditInput,
    MessageOut,
    MessageSendInput,
    ReceiptsOut,
    TimelineOut,
    TimelineQuery,
    message_out,
)
from apps.messages.services.change import message_delete, message_edit
from apps.messages.services.read import messages_read
from apps.messages.services.send import message_send
from messenger.core.api import ApiView
from messenger.core.limits import MESSAGES, NEW_CHATS
from messenger.core.schema import describe


class MessagesView(ApiView):
    """`/messages`."""

    @describe(
        "A window of a chat's messages, oldest first",
        description="The newest without a position. Only what you could see since you joined.",
        query=TimelineQuery,
        responses={200: TimelineOut},
        errors=(404,),
    )
    def get(self, request: Request) -> Response:
        return Response(selectors.timeline_for(self.user_id, self.query(TimelineQuery)))

    @describe(
        "Send a message",
        description=(
            "Durable before the answer. Give a `message_id` of your own, and a retry after a lost "
            "answer makes no second message: it answers 200 with the first one."
        ),
        request=MessageSendInput,
        responses={201: MessageOut, 200: MessageOut},
        errors=(403, 404, 409),
        limit=MESSAGES,
        outcome_limits=(NEW_CHATS,),
    )
    def post(self, request: Request) -> Response:
        data = self.body(MessageSendInput)
        fields = data.model_dump(exclude={"recipient_id"})
        if data.recipient_id:
            chat, _ = chat_open_direct(
                actor_id=self.user_id, user_id=data.recipient_id, new_chat_limit=NEW_CHATS
            )
            fields["chat_id"] = chat.id
        sent = message_send(sender_id=self.user_id, **fields)
        return Response(sent.message, status=200 if sent.duplicate else 201)


class MessageView(ApiView):
    """`/messages/{id}`."""

    @describe("One message", responses={200: MessageOut}, errors=(404,))
    def get(self, request: Request, message_id: UUID) -> Response:
        message = selectors.access_message(self.user_id, message_id).message
        return Response(message_out(message))

    @describe(
        "Edit my message",
        description="Within the window of the site (48 hours by default); the history is kept.",
        request=MessageEditInput,
        responses={200: MessageOut},
        errors=(403, 404, 409),
        limit=MESSAGES,
    )
    def patch(self, request: Request, message_id: UUID) -> Response:
        text = self.body(MessageEditInput).text
        message = message_edit(actor_id=self.user_id, message_id=message_id, text=text)
        return Response(message_out(message))

    @describe(
        "Delete for everyone",
        description="Its author, or an admin of the group. A tombstone keeps `seq`.",
        responses={204: None},
        errors=(403, 404),
    )
    def delete(self, request: Request, message_id: UUID) -> Response:
        message_delete(actor_id=self.user_id, message_id=message_id)
        return Response(status=204)


class MessageReadView(ApiView):
    """`/messages/{id}/read`."""

    @describe("Read up to here", responses={204: None}, errors=(404,))
    def post(self, request: Request, message_id: UUID) -> Response:
        message = selectors.access_message(self.user_id, message_id).message
        messages_read(actor_id=self.user_id, chat_id=message.chat_id, seq=message.seq)
        return Response(status=204)


class MessageReceiptsView(ApiView):
    """`/messages/{id}/receipts`."""

    @describe("Who has it, who read it", responses={200: ReceiptsOut}, errors=(404,))
    def get(self, request: Request, message_id: UUID) -> Response:
        return Response(selectors.receipts_for(self.user_id, message_id))


class MessageHistoryView(ApiView):
    """`/messages/{id}/history`."""

    @describe("Earlier texts, oldest first", responses={200: HistoryOut}, errors=(404,))
    def get(self, request: Request, message_id: UUID) -> Response:
        return Response(selectors.history_for(self.user_id, message_id))
