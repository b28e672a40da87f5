"""Reading and writing work where there is no JavaScript."""

from __future__ import annotations

import pytest
from django.test import Client
from playwright.sync_api import expect

from apps.chats.models import Chat, Participant
from apps.messages.models import Message
from apps.messages.services.send import message_send


@pytest.fixture
def plain(window, alice):
    """Alice's window without scripts."""
    return window(alice, java_script_enabled=False)


def test_sending_editing_and_deleting(plain, direct, alice):
    page = plain.go(f"/chats/{direct}/")
    page.fill("#text", "By hand")
    page.click("#send")
    row = page.locator(".msg", has_text="By hand")
    expect(row).to_have_attribute("data-state", "sent")
    row.hover()
    row.locator(".bubble__more").click()
    page.fill("#edit-text", "By a steady hand")
    page.get_by_role("button", name="Save").click()
    row = page.locator(".msg", has_text="By a steady hand")
    expect(row).to_contain_text("edited")
    row.hover()
    row.locator(".bubble__more").click()
    page.get_by_role("button", name="Delete this message").click()
    expect(page.locator(".msg", has_text="Message deleted")).to_be_visible()
    assert Message.objects.filter(chat_id=direct).count() == 4


def test_a_second_click_sends_nothing_twice(direct, alice):
    client = Client()
    client.force_login(alice)
    page = client.get(f"/chats/{direct}/")
    address = f"/chats/{direct}/send/"
    form = {"text": "Once", "message_id": str(page.context["message_id"])}
    for _ in range(2):
        assert client.post(address, form).status_code == 302
    assert Message.objects.filter(chat_id=direct, text="Once").count() == 1


def test_a_message_that_is_too_long_stays_in_the_composer(plain, direct):
    page = plain.go(f"/chats/{direct}/")
    page.evaluate("document.getElementById('text').maxLength = 6000")
    page.fill("#text", "x" * 5001)
    page.click("#send")
    expect(page.get_by_role("alert")).to_contain_text("at most 5000 characters")
    expect(page.locator("#text")).to_have_value("x" * 5001)
    plain.console_errors.clear()  # the console reports the status 400
    assert Message.objects.filter(chat_id=direct).count() == 3


def test_outsiders_get_a_404(direct, charlie):
    client = Client()
    client.force_login(charlie)
    for path in ("", "details/", "seen/?seq=3"):
        assert client.get(f"/chats/{direct}/{path}").status_code == 404


def test_a_reply_quotes(plain, direct):
    page = plain.go(f"/chats/{direct}/")
    row = page.locator(".msg", has_text="Hello Alice")
    row.hover()
    row.locator(".bubble__more").click()
    page.get_by_role("link", name="Reply").click()
    page.fill("#text", "Answered")
    page.click("#send")
    expect(page.locator(".msg", has_text="Answered").locator(".quote")).to_contain_text(
        "Hello Alice"
    )


def test_history_by_links_and_the_read_pixel(plain, direct, alice, bob):
    for number in range(70):
        message_send(sender_id=bob.id, chat_id=direct, text=f"Line {number}")
    page = plain.go(f"/chats/{direct}/?before=74")
    expect(page.locator(".msg")).to_have_count(50)
    page.get_by_role("link", name="Earlier messages").click()
    expect(page.locator(".msg").first).to_contain_text("Hello Bob")
    page.get_by_role("link", name="Later messages").click()
    plain.go(f"/chats/{direct}/?before=74")
    page.wait_for_load_state("networkidle")
    plain.go("/")
    expect(page.locator(f'[data-chat="{direct}"]')).to_have_attribute("data-unread", "0")
    assert Participant.objects.get(chat_id=direct, user=alice).read_seq == 73


def test_starting_a_chat_and_a_group(plain, alice, bob, charlie):
    page = plain.go("/chats/new/")
    page.fill("#q", "bob")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("button", name="Bob_m").click()
    expect(page.locator("#conversation-name")).to_have_text("Bob_m")
    plain.go("/chats/new-group/")
    page.fill("[name=title]", "Choir")
    for name in ("bob", "char"):
        page.fill("#q", name)
        page.locator("main").get_by_role("button", name="Search").click()
        page.locator(".people input").first.check()
    page.get_by_role("button", name="Create group").click()
    expect(page.locator("#conversation-name")).to_have_text("Choir")
    assert Chat.objects.get(title="Choir").participant_count == 3


def test_a_group_is_administered_with_forms(plain, group, bob):
    page = plain.go(f"/chats/{group}/details/")
    page.get_by_text("Change name and description").click()
    page.fill("#group-title", "Listening circle")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".profile-head")).to_contain_text("Listening circle")
    member = page.locator(".member", has_text="Bob_m")
    member.locator("summary").click()
    member.get_by_role("button", name="Make admin").click()
    expect(page.locator(".member", has_text="Bob_m")).to_contain_text("Admin")
