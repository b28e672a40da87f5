"""The mail about what was missed: to the absent, seldom, with a way out that works signed out."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Notification, User
from apps.chats.services.groups import group_create
from apps.messages import tasks
from apps.messages.services import digest as service
from apps.messages.services import fan_out
from apps.messages.services.read import messages_read
from apps.messages.services.send import message_send
from messenger.core.models import OutboxEvent


@pytest.fixture
def connected(monkeypatch) -> set:
    found: set = set()
    monkeypatch.setattr(service.presence, "connected", lambda ids: found & set(ids))
    assert service.presence is fan_out.presence
    return found


@pytest.fixture
def group(alice, bob):
    return group_create(actor_id=alice.id, title="Walkers", member_ids=[bob.id])


@pytest.fixture(autouse=True)
def _at_once(monkeypatch, connected):
    monkeypatch.setattr(tasks, "mail_enqueue", lambda message: message.send())


def missed(alice, chat, *texts, minutes=20) -> None:
    """alice says it, and it has been unread for so many minutes."""
    for text in texts:
        message_send(sender_id=alice.id, chat_id=chat.id, text=text)
    tasks.fan_out(list(OutboxEvent.objects.values_list("id", flat=True)))
    Notification.objects.update(created_at=timezone.now() - timedelta(minutes=minutes))


def test_offline_people_get_one_digest_with_their_chats(alice, bob, chat, group):
    missed(alice, group, "one", "@bob_m two")
    missed(alice, chat, "hello")
    assert tasks.send_digests() == 1
    (sent,) = mail.outbox
    assert sent.to == [bob.email]
    assert sent.subject == "Lumin: 3 unread messages"
    html = sent.alternatives[0].content
    for body in (sent.body, html):
        assert "Walkers" in body
        assert "2 unread messages" in body
        assert "you were mentioned" in body
        assert "hello" in body
        assert f"/chats/{group.id}/" in body
    assert tasks.send_digests() == 0


def test_digest_respects_text_privacy_and_language(alice, bob, chat):
    User.objects.filter(pk=bob.pk).update(push_shows_text=False, locale="ru")
    missed(alice, chat, "Secret")
    tasks.send_digests()
    (sent,) = mail.outbox
    assert sent.subject == "Lumin: 1 непрочитанное сообщение"
    assert "Secret" not in sent.body + sent.alternatives[0].content
    assert "Пока вас не было" in sent.body


def test_names_and_texts_are_escaped(alice, bob):
    wild = group_create(actor_id=alice.id, title="<b>&\n</b>", member_ids=[bob.id])
    missed(alice, wild, "<script>alert(1)</script>")
    tasks.send_digests()
    html = mail.outbox[0].alternatives[0].content
    assert "<script>" not in html
    assert "&lt;b&gt;&amp;" in html


CASES = {
    "connected": lambda bob, connected: connected.add(bob.id),
    "switched off": lambda bob, _: User.objects.filter(pk=bob.pk).update(email_digest=False),
    "unconfirmed": lambda bob, _: EmailAddress.objects.filter(user=bob).update(verified=False),
    "deactivated": lambda bob, _: User.objects.filter(pk=bob.pk).update(is_active=False),
    "too early": lambda bob, _: Notification.objects.update(created_at=timezone.now()),
    "mailed lately": lambda bob, _: User.objects.filter(pk=bob.pk).update(
        digested_at=timezone.now() - timedelta(hours=1)
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_people_who_are_not_due_get_no_digest(alice, bob, chat, connected, case):
    missed(alice, chat, "hello")
    CASES[case](bob, connected)
    assert tasks.send_digests() == 0
    assert mail.outbox == []


def test_read_messages_are_not_mailed(alice, bob, chat):
    missed(alice, chat, "hello")
    messages_read(actor_id=bob.id, chat_id=chat.id, seq=1)
    assert tasks.send_digests() == 0


def test_next_digest_waits_and_covers_only_newer_messages(alice, bob, chat, group):
    missed(alice, chat, "one")
    tasks.send_digests()
    missed(alice, group, "two")
    assert tasks.send_digests() == 0
    User.objects.update(digested_at=timezone.now() - timedelta(hours=9))
    assert tasks.send_digests() == 1
    assert "Walkers" in mail.outbox[1].body
    assert "Alice" not in mail.outbox[1].body
    User.objects.update(digested_at=None)
    assert tasks.send_digests() == 0


def test_digest_of_a_crashed_run_is_sent_by_the_next(alice, bob, chat, monkeypatch):
    missed(alice, chat, "hello")

    def die(message):
        raise SystemExit

    with monkeypatch.context() as broken:
        broken.setattr(tasks, "mail_enqueue", die)
        with pytest.raises(SystemExit):
            tasks.send_digests()
    assert tasks.send_digests() == 1


def test_unsubscribing_works_signed_out_and_by_one_click(alice, bob, chat):
    missed(alice, chat, "hello")
    tasks.send_digests()
    (sent,) = mail.outbox
    header = sent.extra_headers["List-Unsubscribe"]
    address = re.fullmatch(r"<https?://[^/]+(/unsubscribe/[^/]+/)>", header)[1]
    assert sent.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert address in sent.body
    stranger = Client(enforce_csrf_checks=True)
    assert stranger.get(address).status_code == 200
    bob.refresh_from_db()
    assert bob.email_digest  # a scanner that follows links changes nothing
    body = {"List-Unsubscribe": "One-Click"}
    assert stranger.post(address, body).status_code == 200
    bob.refresh_from_db()
    assert not bob.email_digest
    assert stranger.post(address.replace(str(bob.id), str(alice.id)), body).status_code == 404
    alice.refresh_from_db()
    assert alice.email_digest
