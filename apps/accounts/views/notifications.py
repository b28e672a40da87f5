"""REST: my devices and my notifications."""

from __future__ import annotations

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import push
from apps.accounts import selectors as read
from apps.accounts import serializers as shapes
from apps.accounts.services import devices, notifications
from apps.accounts.views.base import PersonalView
from messenger.core.schema import describe


class DevicesView(PersonalView):
    """`/devices`."""

    @describe(
        "My devices that receive pushes",
        responses={200: shapes.DevicesOut},
        description="Includes the key with which a browser subscribes.",
    )
    def get(self, request: Request) -> Response:
        rows = read.device_list_for(self.user_id)
        items = [shapes.device_out(row, self.identity.session_id) for row in rows]
        return Response({"items": items, "vapid_public_key": push.public_key()})

    @describe(
        "Receive pushes on this device",
        request=shapes.DeviceInput,
        responses={201: shapes.DeviceOut, 200: shapes.DeviceOut},
        errors=(401, 403),
        description=(
            "Bound to the calling login session, and deleted with it. Registering a known endpoint "
            "moves it to this session (200). A session has one device of each kind."
        ),
    )
    def post(self, request: Request) -> Response:
        data = self.body(shapes.DeviceInput)
        keys = data.keys.model_dump() if data.keys else {}
        device, created = devices.device_register(
            session_id=self.identity.session_id, kind=data.kind, endpoint=data.endpoint, **keys
        )
        body = shapes.device_out(device, self.identity.session_id)
        return Response(body, status=201 if created else 200)


class DeviceView(PersonalView):
    """`/devices/{id}`."""

    @describe("Stop pushes to a device", responses={204: None}, errors=(403, 404))
    def delete(self, request: Request, device_id: UUID) -> Response:
        devices.device_delete(user_id=self.user_id, device_id=device_id)
        return Response(status=204)


class NotificationsView(PersonalView):
    """`/notifications`."""

    @describe(
        "A window of my notifications, oldest first",
        description="The newest ones without a position. An updated notification gets a new `seq`.",
        query=shapes.NotificationQuery,
        responses={200: shapes.NotificationsOut},
    )
    def get(self, request: Request) -> Response:
        query = self.query(shapes.NotificationQuery)
        return Response(read.notification_timeline_for(self.user_id, query))


class NotificationsReadView(PersonalView):
    """`/notifications/read`."""

    @describe(
        "Mark notifications as read",
        description="Reading a chat also marks its notifications.",
        request=shapes.NotificationsReadInput,
        responses={204: None},
        errors=(403,),
    )
    def post(self, request: Request) -> Response:
        data = self.body(shapes.NotificationsReadInput)
        notifications.notifications_read(user_id=self.user_id, seq=data.seq, ids=data.ids)
        return Response(status=204)
