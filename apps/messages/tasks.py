"""Celery tasks of conversations: notifications, pushes, digests and receipts of leavers."""

from __future__ import annotations

import random
from itertools import groupby
from typing import Any
from uuid import UUID

from celery import Task, shared_task

from apps.accounts import push as web_push
from apps.accounts.selectors import access_device_to_push, access_notification, blocked_by
from apps.accounts.serializers import notification_out
from apps.accounts.services.devices import device_record_result, device_remove
from apps.accounts.services.mail import mail_enqueue
from apps.accounts.services.notifications import notifications_pushed
from apps.messages.mails import digest
from apps.messages.push import push_out
from apps.messages.selectors.leavers import receipts_of_leavers
from apps.messages.selectors.notified import notified_messages_for
from apps.messages.selectors.recipients import (
    new_messages_by_id,
    new_messages_in,
    participant_chunks,
)
from apps.messages.services.digest import digest_send, digests_due
from apps.messages.services.fan_out import Due, notifications_fan_out
from apps.messages.services.handled import handled_commands_prune
from apps.messages.services.read import receipts_complete
from messenger.core.errors import NotFound

CHUNK = 200  # participants that one task notifies
PUSH_RETRIES = 6
FIRST_PAUSE, LONGEST_PAUSE = 5, 600  # seconds


@shared_task(name="messages.fan_out")
def fan_out(event_ids: list[int]) -> None:
    """Handle `message.sent` and `message.edited` events; idempotent, in any order."""
    messages = new_messages_in(event_ids)
    for chat_id, group in groupby(
        (one for one in messages if one.participants > CHUNK), lambda one: one.chat_id
    ):
        ids = [str(one.id) for one in group]
        for chunk in participant_chunks(chat_id, CHUNK):
            fan_out_part.delay(ids, *chunk)
    _enqueue(notifications_fan_out([one for one in messages if one.participants <= CHUNK]))


@shared_task(name="messages.fan_out_part")
def fan_out_part(message_ids: list[str], first: int, last: int) -> None:
    """The same for one chunk of the participants of a large chat."""
    messages = new_messages_by_id(UUID(one) for one in message_ids)
    _enqueue(notifications_fan_out(messages, chunk=(first, last)))


def _enqueue(due: list[Due]) -> None:
    # Enqueue before marking: a crash in between pushes twice instead of never.
    for notification_id, position, device_id in due if web_push.public_key() else ():
        if device_id is not None:
            push.delay(str(device_id), str(notification_id), position)
    if due:
        notifications_pushed({(one[0], one[1]) for one in due})


@shared_task(name="messages.push", bind=True, max_retries=PUSH_RETRIES)
def push(task: Task[Any, None], device_id: str, notification_id: str, position: int) -> None:
    """Push one notification to one device.

    Skipped if it has been read, replaced by a later one, or its sender blocked meanwhile.
    """
    try:
        device = access_device_to_push(UUID(device_id))
        notification = access_notification(device.user_id, UUID(notification_id))
    except NotFound:
        return
    if notification.read_at is not None or notification.position > position:
        return
    for one in notified_messages_for(device.user_id, [notification_out(notification)]):
        if (
            one.message is None
            or one.message.sender_id in blocked_by([device.user_id])[device.user_id]
        ):
            return
        if not web_push.is_suspended(device):
            outcome, pause = web_push.send(
                device,
                push_out(device.user, one),
                thread=one.chat.id,
                urgent=one.chat.kind == "direct" or notification.kind == "mention",
            )
        elif task.request.retries:
            outcome, pause = web_push.Outcome.LATER, 0
        else:  # retries for slow devices would fill the queue
            return
        if outcome is web_push.Outcome.GONE:
            device_remove(device.id)
        elif outcome is web_push.Outcome.LATER and task.request.retries < PUSH_RETRIES:
            wait = max(pause, min(LONGEST_PAUSE, FIRST_PAUSE * 4**task.request.retries))
            raise task.retry(countdown=wait * random.uniform(1, 1.5))  # noqa: S311
        else:
            device_record_result(device, succeeded=outcome is web_push.Outcome.SENT)


@shared_task(name="messages.complete_receipts")
def complete_receipts(event_ids: list[int]) -> None:
    """Handle `chat.participant_left` events; idempotent, in any order."""
    receipts_complete(receipts_of_leavers(event_ids))


@shared_task(name="messages.send_digests")
def send_digests() -> int:
    """Send digests of unread messages to people who are offline; scheduled by beat."""
    sent = 0
    for user_id in digests_due():
        sent += digest_send(
            user_id=user_id, send=lambda user, rows: mail_enqueue(digest(user, rows))
        )
    return sent


@shared_task(name="messages.prune_handled_commands")
def prune_handled_commands() -> None:
    """Delete old ids of handled commands; scheduled by beat."""
    handled_commands_prune()
