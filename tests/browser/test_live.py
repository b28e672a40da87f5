"""Two people in two browsers at two processes."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from apps.messages.models import Message
from apps.messages.services.read import messages_read
from apps.messages.services.send import message_send


@pytest.mark.redis
def test_two_people_chat_live_and_ticks_follow(window, direct, alice, bob):
    hers, his = window(alice), window(bob, at=1)
    hers.at_chat(direct)
    hers.send("Are you there?")
    own = hers.page.locator(".msg", has_text="Are you there?")
    expect(own).to_have_attribute("data-state", "sent")
    his.go("/")
    row = his.page.locator(f'[data-chat="{direct}"]')
    expect(row).to_contain_text("Are you there?")
    expect(own).to_have_attribute("data-state", "delivered")
    expect(his.page).to_have_title("(3) Chats · Lumin")
    row.click()
    expect(his.page.locator(".msg", has_text="Are you there?")).to_be_visible()
    his.page.bring_to_front()
    expect(own).to_have_attribute("data-state", "read")
    expect(his.page).to_have_title("Alice · Lumin")
    his.send("Yes!")
    answer = hers.page.locator(".msg", has_text="Yes!")
    expect(answer).to_be_visible()
    expect(answer).not_to_have_class("msg--mine")
    assert Message.objects.filter(chat_id=direct, text="Yes!").count() == 1


def test_messages_written_offline_are_sent_after_the_reconnect(window, direct, alice, bob):
    hers, his = window(alice), window(bob, at=1)
    hers.at_chat(direct)
    his.at_chat(direct)
    hers.context.set_offline(True)
    expect(hers.page.locator("#banner")).to_be_visible()
    hers.send("Written in a tunnel")
    hers.send("And a second one")
    mine = hers.page.locator(".msg", has_text="Written in a tunnel")
    expect(mine).to_have_attribute("data-state", "pending")
    message_send(sender_id=bob.id, chat_id=direct, text="Said meanwhile")
    hers.page.wait_for_timeout(300)
    hers.context.set_offline(False)
    expect(mine).not_to_have_attribute("data-state", "pending")
    expect(hers.page.locator("#banner")).to_be_hidden()
    expect(hers.page.locator(".msg", has_text="Said meanwhile")).to_be_visible()
    expect(his.page.locator(".msg", has_text="And a second one")).to_be_visible()
    for page in (hers.page, his.page):
        texts = page.locator(".msg .bubble__text").all_text_contents()
        assert texts[-3:] == ["Said meanwhile", "Written in a tunnel", "And a second one"]
    assert Message.objects.filter(chat_id=direct).count() == 6


def test_message_written_offline_in_an_older_window_is_kept_and_sent(window, direct, alice):
    for number in range(60):
        message_send(sender_id=alice.id, chat_id=direct, text=f"Line {number}")
    hers = window(alice)
    hers.at_chat(direct)
    hers.page.goto(f"{hers.page.url}?around=5")
    expect(hers.page.locator("#composer")).to_be_visible()
    hers.context.set_offline(True)
    expect(hers.page.locator("#banner")).to_be_visible()
    hers.send("Not to be lost")
    hers.page.wait_for_timeout(300)
    hers.context.set_offline(False)
    expect(hers.page.locator("#banner")).to_be_hidden()
    expect(hers.page.locator(".msg[data-seq]", has_text="Not to be lost").last).to_be_visible()
    assert Message.objects.filter(chat_id=direct, text="Not to be lost").count() == 1


def test_edits_and_deletions_arrive_live(window, direct, alice, bob):
    hers, his = window(alice), window(bob, at=1)
    hers.at_chat(direct)
    his.at_chat(direct)
    hers.page.press("#text", "ArrowUp")
    expect(hers.page.locator("#text")).to_have_value("How are you?")
    hers.send("How are you today?")
    theirs = his.page.locator(".msg", has_text="How are you today?")
    expect(theirs).to_contain_text("edited")
    expect(hers.page.locator(".chat-row[aria-current]")).to_contain_text("You: How are you today?")
    own = hers.page.locator(".msg", has_text="Hello Bob")
    own.hover()
    own.locator(".bubble__more").click()
    hers.page.get_by_role("menuitem", name="Delete").click()
    question = hers.page.get_by_role("dialog", name="Delete this message?")
    expect(question).to_contain_text("Hello Bob")
    question.get_by_role("button", name="Delete").click()
    expect(his.page.locator(".msg", has_text="Message deleted")).to_be_visible()
    expect(his.page.locator(".msg", has_text="Hello Bob")).to_have_count(0)


def test_a_reply_quotes_and_leads_back(window, direct, alice, bob):
    hers, his = window(alice), window(bob, at=1)
    his.at_chat(direct)
    hers.at_chat(direct)
    first = hers.page.locator(".msg", has_text="Hello Alice")
    first.locator(".bubble__more").focus()
    hers.page.keyboard.press("Enter")
    hers.page.get_by_role("menuitem", name="Reply").press("Enter")
    expect(hers.page.locator("#strip")).to_contain_text("Hello Alice")
    hers.send("Nice to read you")
    quote = his.page.locator(".msg", has_text="Nice to read you").locator(".quote")
    expect(quote).to_contain_text("Hello Alice")
    quote.click()
    expect(his.page.locator(".msg.is-flash")).to_contain_text("Hello Alice")


def test_a_draft_stays_and_the_finder_leads_to_people(window, direct, alice, charlie):
    hers = window(alice)
    hers.at_chat(direct)
    hers.page.fill("#text", "Half a thought")
    hers.page.wait_for_timeout(400)
    hers.page.keyboard.press("Control+k")
    hers.page.get_by_role("combobox").fill("char")
    expect(hers.page.get_by_role("option", name="Charlie")).to_be_visible()
    hers.page.keyboard.press("Enter")
    expect(hers.page.locator("#conversation-name")).to_have_text("Charlie")
    expect(hers.page.locator(f'[data-chat="{direct}"]')).to_contain_text("Draft")
    hers.page.locator(f'[data-chat="{direct}"]').click()
    expect(hers.page.locator("#text")).to_have_value("Half a thought")


@pytest.mark.redis
def test_a_removed_member_loses_the_chat_at_once(window, group, alice, bob):
    his = window(bob, at=1)
    his.at_chat(group)
    hers = window(alice)
    hers.go(f"/chats/{group}/details/")
    member = hers.page.locator(".member", has_text="Bob_m")
    member.locator("summary").click()
    member.get_by_role("button", name="Remove from group").click()
    hers.page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(his.page.locator(f'[data-chat="{group}"]')).to_have_count(0)
    expect(his.page.get_by_role("heading", name="Choose a chat")).to_be_visible()
    expect(hers.page.locator(".member", has_text="Bob_m")).to_have_count(0)


def test_a_pending_message_survives_a_reload_and_is_sent_once(window, direct, alice):
    hers = window(alice)
    hers.at_chat(direct)
    hers.page.evaluate(
        """() => {
          const me = JSON.parse(document.getElementById("boot").textContent).me.id;
          const item = { message_id: crypto.randomUUID(), chat_id: location.pathname.split("/")[2],
                         text: "Kept", sent_at: new Date().toISOString() };
          sessionStorage.setItem(`outbox:${me}`, JSON.stringify([item]));
        }"""
    )
    hers.page.reload()
    expect(hers.page.locator(".msg", has_text="Kept")).to_have_attribute("data-state", "sent")
    hers.page.reload()
    expect(hers.page.locator(".msg", has_text="Kept")).to_have_count(1)
    assert Message.objects.filter(chat_id=direct, text="Kept").count() == 1


def test_history_loads_upward_and_the_view_stays(window, direct, alice, bob):
    for number in range(180):
        message_send(sender_id=(alice, bob)[number % 2].id, chat_id=direct, text=f"Line {number}")
    messages_read(actor_id=alice.id, chat_id=direct, seq=183)
    hers = window(alice)
    page = hers.at_chat(direct)
    expect(page.locator(".msg").last).to_contain_text("Line 179")
    place = page.evaluate(
        """async () => {
          const row = document.querySelectorAll(".msg")[5];
          row.scrollIntoView({ block: "start" });
          const before = row.getBoundingClientRect().top;
          const count = document.querySelectorAll(".msg").length;
          while (document.querySelectorAll(".msg").length === count) {
            await new Promise((done) => setTimeout(done, 20));
          }
          return Math.abs(row.getBoundingClientRect().top - before);
        }"""
    )
    assert place < 2
    message_send(sender_id=bob.id, chat_id=direct, text="Far below")
    expect(page.locator("#jump .dot")).to_have_text("1")
    page.locator("#jump").click()
    expect(page.locator(".msg", has_text="Far below")).to_be_in_viewport()
    expect(page.locator("#jump")).to_be_hidden()
