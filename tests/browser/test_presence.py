"""Presence and typing; a block as both sides see it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from apps.accounts.models import Block
from apps.chats.errors import NotAcceptingMessages, PersonBlocked
from messenger.core import presence
from messenger.core.redis import client as redis


@pytest.mark.redis
def test_dot_and_subtitle_follow_presence(window, direct, alice, bob):
    hers = window(alice)
    page = hers.at_chat(direct)
    row, line = page.locator(f'[data-chat="{direct}"]'), page.locator("#conversation-subtitle")
    expect(line).to_have_text("@bob_m")
    his = window(bob, at=1)
    his.at_chat(direct)
    expect(line).to_have_text("online")
    expect(row).to_have_attribute("data-status", "online")
    page.reload()  # drawn by the server
    expect(line).to_have_text("online")
    his.context.close()
    page.wait_for_timeout(500)
    redis().zincrby(presence.ONLINE, -presence.GRACE * 1000, str(bob.id))
    expect(line).to_have_text(re.compile(r"last seen (at \d\d:\d\d|yesterday)"))
    expect(row).to_have_attribute("data-status", "offline")


@pytest.mark.redis
def test_typing_is_shown_until_the_message_or_a_pause(window, direct, alice, bob):
    hers, his = window(alice), window(bob, at=1)
    page = hers.at_chat(direct)
    line = page.locator("#conversation-subtitle")
    his.at_chat(direct).locator("#text").press_sequentially("Well, I")
    expect(line).to_have_text("is typing…")
    his.page.press("#text", "Enter")
    expect(line).to_have_text("online")
    his.page.wait_for_timeout(3100)
    his.page.locator("#text").press_sequentially("And")
    expect(line).to_have_text("is typing…")
    expect(line).to_have_text("online", timeout=7000)


@pytest.mark.redis
def test_a_group_names_who_is_typing(window, group, alice, bob, charlie):
    line = window(alice).at_chat(group).locator("#conversation-subtitle")
    for who, text in ((bob, "Bob_m is typing…"), (charlie, "Bob_m and Charlie are typing…")):
        window(who, at=1).at_chat(group).locator("#text").press_sequentially("x")
        expect(line).to_have_text(text)
    expect(line).to_have_text("3 members", timeout=8000)


@pytest.mark.redis
def test_blocking_asks_then_closes_the_composer_until_unblocked(window, direct, alice, bob):
    his = window(bob, at=1)
    his.at_chat(direct)
    hers = window(alice)
    second = window(alice, at=1)
    second.at_chat(direct)
    page = hers.go(f"/chats/{direct}/details/")
    page.get_by_role("button", name="Block this person").click()
    page.locator("#confirm").get_by_role("button", name="Block").click()
    expect(page.locator("#closed")).to_contain_text(str(PersonBlocked.title))
    expect(page.locator("#composer")).to_be_hidden()
    expect(second.page.locator("#composer")).to_be_hidden()
    expect(his.page.locator("#conversation-subtitle")).to_have_text("@alice")
    his.send("Hello?")
    failed = his.page.locator(".msg", has_text="Hello?")
    expect(failed).to_contain_text(str(NotAcceptingMessages.title))
    his.page.reload()
    expect(his.page.locator("#closed")).to_have_text(str(NotAcceptingMessages.title))
    page = hers.go("/settings/blocks/")
    expect(page.locator(".device")).to_contain_text("Bob_m")
    page.get_by_role("button", name="Unblock Bob_m").click()
    expect(page.get_by_text("You haven't blocked anyone.")).to_be_visible()
    expect(second.page.locator("#composer")).to_be_visible()
    assert not Block.objects.exists()
