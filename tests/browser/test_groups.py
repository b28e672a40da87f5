"""Groups with scripts; my other windows; the end of a session."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from apps.accounts.models import LoginSession
from apps.accounts.services.sessions import sessions_revoke
from apps.chats.models import Chat
from apps.chats.services.groups import chat_update
from apps.chats.services.participants import (
    participant_remove,
    participant_set_role,
    participants_add,
)
from apps.messages.services.send import message_send
from tests.factories import UserFactory


def test_a_new_group_appears_in_its_members_lists(window, alice, bob, charlie):
    his = window(bob, at=1)
    his.go("/")
    expect(his.page.get_by_role("heading", name="No chats yet")).to_be_visible()
    page = window(alice).go("/chats/new-group/")
    page.fill("[name=title]", "Choir")
    for typed, name in (("bo", "Bob_m"), ("char", "Charlie")):
        page.type("#q", typed)
        page.locator("[data-results]").get_by_role("button", name=name).click()
        expect(page.locator(".chip", has_text=name)).to_be_visible()
    page.get_by_role("button", name="Remove Charlie").click()
    page.get_by_role("button", name="Create group").click()
    expect(page.locator("#conversation-subtitle")).to_have_text("2 members")
    expect(his.page.locator(".chat-row", has_text="Choir")).to_be_visible()
    assert Chat.objects.get(title="Choir").participant_count == 2


def test_people_are_added_from_the_details(window, group, alice):
    UserFactory(username="dora")
    page = window(alice).go(f"/chats/{group}/details/")
    page.get_by_text("Add people").click()
    page.type("#d-q", "dor")
    page.locator("[data-add-results]").get_by_role("button", name="Dora").click()
    expect(page.locator(".member", has_text="Dora")).to_be_visible()


@pytest.mark.redis
def test_a_new_name_and_new_members_show_while_the_composer_keeps_its_text(
    window, group, alice, bob
):
    dora = UserFactory(username="dora")
    his = window(bob, at=1)
    his.at_chat(group)
    his.page.fill("#text", "Half a thought")
    chat_update(actor_id=alice.id, chat_id=group, title="Listening circle")
    participants_add(actor_id=alice.id, chat_id=group, user_ids=[dora.id])
    expect(his.page.locator("#conversation-name")).to_have_text("Listening circle")
    expect(his.page.locator("#conversation-subtitle")).to_have_text("4 members")
    expect(his.page.locator(f'[data-chat="{group}"]')).to_contain_text("Listening circle")
    expect(his.page.locator("#text")).to_have_value("Half a thought")


def test_my_other_window_shows_what_i_send_and_edit(window, direct, alice):
    one, other = window(alice), window(alice, at=1)
    one.at_chat(direct)
    other.at_chat(direct)
    one.send("From the desk")
    expect(other.page.locator(".msg--mine", has_text="From the desk")).to_be_visible()
    other.page.press("#text", "ArrowUp")
    other.send("From the desk, corrected")
    expect(one.page.locator(".msg--mine", has_text="corrected")).to_be_visible()


def test_a_revoked_session_leads_to_the_sign_in_page(window, direct, alice):
    hers = window(alice)
    hers.at_chat(direct)
    ids = list(LoginSession.objects.filter(user=alice).values_list("id", flat=True))
    sessions_revoke(user_id=alice.id, session_ids=ids, reason="revoked")
    expect(hers.page).to_have_url(re.compile(rf"/accounts/login/\?next=.*{direct}"))


def test_a_member_removed_while_offline_returns_to_the_chat_list(window, group, alice, bob):
    his = window(bob)
    his.at_chat(group)
    his.context.set_offline(True)
    his.send("Into the void")
    participant_remove(actor_id=alice.id, chat_id=group, user_id=bob.id)
    his.context.set_offline(False)
    expect(his.page.get_by_role("heading", name="Choose a chat")).to_be_visible()
    expect(his.page.locator(f'[data-chat="{group}"]')).to_have_count(0)


def test_a_phone_shows_one_pane_with_a_way_back(window, direct, alice):
    hers = window(alice, viewport={"width": 390, "height": 780}, has_touch=True, is_mobile=True)
    page = hers.go("/")
    page.locator(f'[data-chat="{direct}"]').tap()
    expect(page.locator("#text")).to_be_visible()
    expect(page.locator(".list")).to_be_hidden()
    page.get_by_role("link", name="Back to chats").tap()
    expect(page.locator(".list")).to_be_visible()
    page.go_back()
    expect(page.locator("#text")).to_be_visible()


@pytest.mark.redis
def test_the_menu_of_a_message_offers_what_the_viewer_may_do(window, group, alice, bob):
    message_send(sender_id=alice.id, chat_id=group, text="Mine to keep")
    page = window(bob, at=1).at_chat(group)
    more = page.locator(".msg", has_text="Mine to keep").locator(".bubble__more")
    delete = page.get_by_role("menuitem", name="Delete")
    more.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Reply")).to_be_visible()
    expect(delete).to_be_hidden()
    page.keyboard.press("Escape")
    with page.expect_response(re.compile(f"/chats/{group}/$")):  # the page's new permissions
        participant_set_role(actor_id=alice.id, chat_id=group, user_id=bob.id, role="admin")
    page.wait_for_load_state("networkidle")
    more.focus()
    page.keyboard.press("Enter")
    expect(delete).to_be_visible()
    expect(page.get_by_role("menuitem", name="Edit")).to_be_hidden()


def test_deleting_a_group_asks_first_even_while_other_scripts_load(window, group, alice):
    hers = window(alice)
    hers.page.route("**/js/app*.js", lambda route: route.abort())
    page = hers.go(f"/chats/{group}/details/")
    page.get_by_role("button", name="Delete group").click()
    expect(page.get_by_role("dialog")).to_contain_text("Reading circle")
    assert Chat.objects.filter(pk=group).exists()
    hers.console_errors.clear()  # the console reports the missing script
