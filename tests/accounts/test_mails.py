"""Mails are enqueued, or sent directly without the queue."""

from __future__ import annotations

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives

from apps.accounts.services.mail import mail_enqueue
from messenger.core.redis import breaker
from tests.factories import PASSWORD


@pytest.fixture
def redis_away():
    breaker.failed()
    yield
    breaker.succeeded()


def test_queued_mail_keeps_both_bodies(mails):
    message = EmailMultiAlternatives("Hello", "text", "a@example.org", ["b@example.org"])
    message.attach_alternative("<p>html</p>", "text/html")
    mail_enqueue(message)
    (sent,) = mails()
    assert (sent.subject, sent.body, sent.to) == ("Hello", "text", ["b@example.org"])
    assert sent.alternatives[0].content == "<p>html</p>"


@pytest.mark.usefixtures("redis_away")
def test_mail_is_sent_directly_without_redis():
    mail_enqueue(EmailMultiAlternatives("Hello", "text", "a@example.org", ["b@example.org"]))
    assert len(mail.outbox) == 1


@pytest.mark.usefixtures("redis_away")
def test_unreachable_mail_server_does_not_fail_the_request(api, alice, settings, db):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    assert api().post("/auth/password/reset", {"email": alice.email}).status_code == 202
    answer = api().post("/auth/login", {"login": "alice", "password": PASSWORD})
    assert answer.status_code == 200
