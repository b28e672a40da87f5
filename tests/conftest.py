"""Users for all tests, and a REST client that signs in."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable

import pytest
import structlog
from django.core import mail
from django.core.cache import cache
from django.core.mail import EmailMessage
from django.db import connection
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.accounts.services.login import Device, device_sign_in
from apps.accounts.tasks import send_mail
from messenger.celery import app as celery_app
from messenger.core.redis import client
from messenger.core.throttles import local_buckets
from tests.factories import UserFactory

DEVICE = Device(user_agent="tests/1.0", ip_address="192.0.2.1")


@functools.cache
def redis_answers() -> bool:
    """Whether the tests have a Redis."""
    try:
        return bool(client().ping())
    except RedisError:
        return False


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip tests that need Redis where it is refused."""
    if item.get_closest_marker("redis") and not redis_answers():
        pytest.skip("the feature consists of Redis, which is refused")


class Api(APIClient):
    """A JSON client of the REST API; paths are relative to `/api/v1`."""

    default_format = "json"

    def generic(self, method, path, *args, **kwargs):
        if path.startswith("/") and not path.startswith(("/api/", "/health")):
            path = f"/api/v1{path}"
        return super().generic(method, path, *args, **kwargs)

    def sign_in(self, user: User) -> Api:
        """Open a session for `user` and use its access token."""
        self.tokens = device_sign_in(user=user, device=DEVICE)
        self.credentials(HTTP_AUTHORIZATION=f"Bearer {self.tokens.access}")
        return self


@pytest.fixture
def api() -> Callable[[User | None], Api]:
    """`api(alice)` is a client signed in as alice; `api()` is anonymous."""

    def make(user: User | None = None) -> Api:
        return Api().sign_in(user) if user else Api()

    return make


@pytest.fixture
def alice(db) -> User:
    """The owner of chats."""
    return UserFactory(username="alice")


@pytest.fixture
def bob(db) -> User:
    """A member of chats."""
    return UserFactory(username="bob_m")


@pytest.fixture
def charlie(db) -> User:
    """An outsider, who must not see anything."""
    return UserFactory(username="charlie")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix) -> None:
    """Detect deadlocks late in this process, so that PostgreSQL cancels the web process that still
    reads, not the truncation of the tables."""
    connection.settings_dict["OPTIONS"]["options"] = "-c deadlock_timeout=30s"


@pytest.fixture(autouse=True)
def _no_log_context() -> None:
    """Clear the log context of earlier requests."""
    structlog.contextvars.clear_contextvars()


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    """Start every test with full rate-limit buckets, in Redis and in this process."""
    local_buckets.clear()
    cache.clear()  # counters of allauth
    with contextlib.suppress(RedisError):
        for key in client().scan_iter("limit:*"):
            client().delete(key)


@pytest.fixture
def mails() -> Callable[[], list[EmailMessage]]:
    """`mails()`: all mails of this test, including those in the real task queue."""

    def drain(*, run: bool = True) -> list[EmailMessage]:
        with contextlib.suppress(OperationalError), celery_app.connection_for_read() as connection:
            queue = connection.SimpleQueue("celery")
            with contextlib.suppress(queue.Empty):
                while message := queue.get_nowait():
                    if run and message.headers["task"] == send_mail.name:
                        send_mail(*message.payload[0], **message.payload[1])
                    message.ack()
        return mail.outbox

    drain(run=False)
    return drain
