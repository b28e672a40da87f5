"""Refused messages: the scripts decide by `retry` and show `title`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from apps.messages.models import Message

Refusal = dict[str, Any]


@pytest.fixture
def refusing(window, alice, direct) -> Callable[[dict[str, Refusal]], Any]:
    """Alice's conversation, where messages with these texts are refused instead of sent."""
    attempts: list[str] = []

    def open_page(refusals: dict[str, Refusal]) -> Any:
        hers = window(alice)
        hers.attempts = attempts

        def connect(socket: WebSocketRoute) -> None:
            server = socket.connect_to_server()

            def receive(text: str | bytes) -> None:
                frame = json.loads(text)
                refusal = refusals.get(frame.get("text", ""))
                attempts.append(frame.get("text", ""))
                if refusal is None:
                    server.send(text)
                else:
                    socket.send(json.dumps({"type": "error", "ref": frame["ref"], **refusal}))

            socket.on_message(receive)

        hers.page.route_web_socket(re.compile(r"/ws$"), connect)
        hers.go(f"/chats/{direct}/")
        return hers

    return open_page


def pass_time(page: Page, seconds: int) -> None:
    """Run the page's timers, with answers of the socket in between."""
    for _ in range(seconds):
        page.clock.run_for(1000)
        page.wait_for_timeout(10)


def test_an_unknown_refusal_fails_its_message_and_not_the_next_ones(refusing, direct):
    hers = refusing({"Refused": {"code": "unheard_of", "retry": "never", "title": "Bad luck."}})
    hers.send("Refused")
    hers.send("Sent")
    failed = hers.page.locator(".msg", has_text="Refused")
    expect(failed).to_contain_text("Not sent: Bad luck.")
    sent = hers.page.locator(".msg[data-seq]", has_text="Sent")  # the refused one stays below it
    expect(sent.last).to_have_attribute("data-state", "sent")
    expect(sent.last.locator(".bubble__text")).to_have_text("Sent")
    failed.get_by_role("button", name="Try again").click()
    expect(failed).to_contain_text("Bad luck.")
    failed.get_by_role("button", name="Discard").click()
    expect(hers.page.locator(".msg", has_text="Refused")).to_have_count(0)
    assert Message.objects.filter(chat_id=direct).count() == 4


def test_a_temporary_refusal_is_retried_with_growing_pauses_and_an_end(refusing):
    busy = {"code": "unavailable", "retry": "later", "title": "The server is busy."}
    hers = refusing({"Wait": busy})
    hers.page.clock.install()
    hers.page.reload()
    hers.send("Wait")
    pending = hers.page.locator(".msg", has_text="Wait")
    expect(pending).to_have_attribute("data-state", "pending")
    pass_time(hers.page, 8)
    assert 3 <= hers.attempts.count("Wait") <= 5  # pauses of 1, 2, 4 seconds, less up to half
    pass_time(hers.page, 190)
    expect(pending).to_contain_text("Not sent: The server is busy.")
    tried = hers.attempts.count("Wait")
    assert 9 <= tried <= 12  # some connections end for lack of pings: this clock runs ahead
    pass_time(hers.page, 90)
    assert hers.attempts.count("Wait") == tried


def test_a_retry_waits_for_retry_after(refusing):
    hers = refusing({"Wait": {"code": "rate_limited", "retry": "later", "retry_after": 30}})
    hers.page.clock.install()
    hers.page.reload()
    hers.send("Wait")
    pass_time(hers.page, 28)
    assert hers.attempts.count("Wait") == 1
    pass_time(hers.page, 3)
    assert hers.attempts.count("Wait") == 2


def test_a_refusal_until_sign_in_leads_to_the_sign_in_page(refusing, direct):
    hers = refusing({"Who?": {"code": "session_ended", "retry": "after_sign_in"}})
    hers.page.route("**/accounts/login/*", lambda route: route.fulfill(body="Sign in"))
    hers.send("Who?")
    hers.page.wait_for_url(re.compile(rf"/accounts/login/\?next=.*{direct}"))
    assert hers.attempts.count("Who?") == 1
