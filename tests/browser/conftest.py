"""Chromium against two real web processes; an error in its console fails the test."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from apps.accounts.models import User
from apps.chats.services.direct import chat_open_direct
from apps.chats.services.groups import group_create
from apps.messages.services.send import message_send
from messenger.local.chromium import CHROMIUM
from tests.web import WebProcess

FLAGS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
]
# Console messages about a connection that a test has cut.
CUT_ON_PURPOSE = re.compile(r"ERR_INTERNET_DISCONNECTED|WebSocket connection to .* failed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs Chromium."""
    for item in items:
        if item.path.parent.name == "browser":
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def processes(django_db_setup, django_db_blocker) -> Iterator[list[WebProcess]]:
    """Two web processes that share the suite's database and Redis."""
    with django_db_blocker.unblock():
        running = [WebProcess(), WebProcess()]
    yield running
    for process in running:
        process.stop()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    # Playwright's sync API keeps an event loop running in this thread, in which the tests use the
    # ORM. It ends with the module, because other tests run event loops as well.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


class Window:
    """One person's browser window at one of the processes."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.context, self.address = context, address
        self.console_errors: list[str] = []
        context.on("console", lambda line: self._hear(line.type, line.text))
        context.on("weberror", lambda error: self._hear("error", str(error.error)))
        self.page: Page = context.new_page()
        self.page.set_default_timeout(8000)

    def _hear(self, kind: str, text: str) -> None:
        if kind == "error" and not CUT_ON_PURPOSE.search(text):
            self.console_errors.append(text)

    def go(self, path: str) -> Page:
        self.page.goto(f"{self.address}{path}")
        return self.page

    def at_chat(self, chat_id: UUID) -> Page:
        """The conversation, once its socket is connected."""
        with self.page.expect_websocket() as line:
            self.go(f"/chats/{chat_id}/")
        line.value.wait_for_event("framereceived")
        return self.page

    def send(self, text: str) -> None:
        self.page.fill("#text", text)
        self.page.press("#text", "Enter")


@pytest.fixture
def window(chromium, processes, transactional_db) -> Iterator[Callable[..., Window]]:
    """`window(alice)`: her window, signed in; `window()`: a stranger's."""
    opened: list[Window] = []

    def make(user: User | None = None, at: int = 0, **options: Any) -> Window:
        options.setdefault("viewport", {"width": 1200, "height": 800})
        options.setdefault("locale", "en-GB")
        context = chromium.new_context(**options)
        address = f"http://127.0.0.1:{processes[at].port}"
        if user:
            client = Client()
            client.force_login(user)
            cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
            context.add_cookies(
                [{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": address}]
            )
        opened.append(Window(context, address))
        return opened[-1]

    yield make
    console_errors = [text for one in opened for text in one.console_errors]
    for one in opened:
        one.context.close()
    assert console_errors == []


@pytest.fixture
def direct(transactional_db, alice, bob) -> UUID:
    """The direct chat of alice and bob, with three messages."""
    chat = chat_open_direct(actor_id=alice.id, user_id=bob.id)[0]
    for sender, text in ((alice, "Hello Bob"), (bob, "Hello Alice"), (alice, "How are you?")):
        message_send(sender_id=sender.id, chat_id=chat.id, text=text)
    return chat.id


@pytest.fixture
def group(transactional_db, alice, bob, charlie) -> UUID:
    """A group of all three that alice owns."""
    members = [bob.id, charlie.id]
    chat = group_create(actor_id=alice.id, title="Reading circle", member_ids=members)
    message_send(sender_id=bob.id, chat_id=chat.id, text="Which book is next?")
    return chat.id
