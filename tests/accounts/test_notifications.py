"""Notifications: created once, listed in windows, read, cleared, pruned."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from apps.accounts.models import Notification
from apps.accounts.serializers import NotificationsOut
from apps.accounts.services.notifications import (
    NewNotification,
    notifications_clear,
    notifications_create,
    notifications_prune,
)

CHAT = UUID("0199a000-0000-7000-8000-00000000000c")


def news(user, position=1, *, kind="messages", subject=CHAT, push=True) -> NewNotification:
    payload = {"chat_id": str(CHAT), "message_id": str(uuid4()), "seq": position}
    return NewNotification(user.id, kind, subject, CHAT, position, payload, push)


def test_notification_is_created_once_per_position(alice):
    assert notifications_create([news(alice, 3)]) == 1
    assert notifications_create([news(alice, 3)]) == 0
    assert notifications_create([news(alice, 2)]) == 0
    assert Notification.objects.get().position == 3


def test_further_messages_update_the_notification_and_make_it_unread(alice, api):
    client = api(alice)
    notifications_create([news(alice, 3)])
    notifications_create([news(alice, 4, kind="mention", subject=uuid4())])
    first = client.get("/notifications").json()
    client.post("/notifications/read", {"seq": first["items"][-1]["seq"]})
    assert client.get("/notifications").json()["unread_count"] == 0
    notifications_create([news(alice, 5)])
    after = client.get("/notifications").json()
    NotificationsOut.model_validate(after)
    assert [item["kind"] for item in after["items"]] == ["mention", "messages"]
    assert after["items"][1]["id"] == first["items"][0]["id"]
    assert after["unread_count"] == 1


def test_list_is_read_in_windows(alice, bob, api, django_assert_num_queries):
    client = api(alice)
    for number in range(7):
        notifications_create([news(alice, 1, kind="mention", subject=uuid4())])
        notifications_create([news(bob, number + 1)])
    everything = client.get("/notifications").json()["items"]
    seqs = [item["seq"] for item in everything]
    assert seqs == sorted(seqs)
    assert len(seqs) == 7

    def window(**query):
        page = client.get("/notifications", {"limit": 3, **query}).json()
        found = [seqs.index(item["seq"]) for item in page["items"]]
        return found, page["has_more_before"], page["has_more_after"]

    assert window() == ([4, 5, 6], True, False)
    assert window(before_seq=seqs[4]) == ([1, 2, 3], True, True)
    assert window(before_seq=seqs[1]) == ([0], False, True)
    assert window(after_seq=seqs[1]) == ([2, 3, 4], True, True)
    assert window(after_seq=seqs[6]) == ([], True, False)
    assert window(after_seq=0) == ([0, 1, 2], False, True)


@pytest.mark.parametrize("query", ["limit=101", "before_seq=1&after_seq=2", "before_seq=x", "a=1"])
def test_invalid_windows_are_refused(alice, api, query):
    assert api(alice).get(f"/notifications?{query}").status_code == 400


@pytest.mark.parametrize(
    "body", [{}, {"seq": 1, "ids": [str(uuid4())]}, {"ids": []}, {"seq": "1"}, {"ids": ["x"]}]
)
def test_invalid_read_requests_are_refused(alice, api, body):
    assert api(alice).post("/notifications/read", body).status_code == 400


def test_notifications_of_others_cannot_be_read_or_marked(alice, charlie, api):
    notifications_create([news(alice)])
    told = Notification.objects.get()
    stranger = api(charlie)
    assert stranger.get("/notifications").json()["items"] == []
    assert stranger.post("/notifications/read", {"ids": [str(told.id)]}).status_code == 204
    told.refresh_from_db()
    assert told.read_at is None
    api(alice).post("/notifications/read", {"ids": [str(told.id)]})
    told.refresh_from_db()
    assert told.read_at is not None


def test_notifications_of_a_thread_are_cleared_up_to_the_read_position(alice, bob):
    notifications_create([news(alice, 5), news(bob, 5)])
    notifications_create([news(alice, 9, kind="mention", subject=uuid4())])
    with transaction.atomic():
        notifications_clear([(alice.id, CHAT, 7)])
    unread = Notification.objects.filter(read_at=None)
    assert set(unread.values_list("user_id", "position")) == {(alice.id, 9), (bob.id, 5)}


def test_pruning_deletes_old_notifications(alice):
    now = timezone.now()
    ages = {1: (31, True), 2: (29, True), 3: (31, False), 4: (181, False)}
    for position, (days, was_read) in ages.items():
        notifications_create([news(alice, position, subject=uuid4())])
        Notification.objects.filter(position=position).update(
            created_at=now - timedelta(days=days), read_at=now if was_read else None
        )
    assert notifications_prune() == 2
    assert set(Notification.objects.values_list("position", flat=True)) == {2, 3}
