"""While away, in a real browser: list, badge, preferences, drafts, and the service worker."""

from __future__ import annotations

import json
import re

import pytest

from apps.accounts.models import Notification
from apps.chats.models import Participant
from apps.messages import tasks
from apps.messages.services.send import message_send
from messenger.core.models import OutboxEvent


def follow() -> None:
    tasks.fan_out(list(OutboxEvent.objects.values_list("id", flat=True)))


@pytest.mark.redis
def test_a_mention_shows_in_badge_and_list_until_it_is_read(window, group, direct, alice, bob):
    hers = window(alice)
    page = hers.at_chat(direct)
    assert page.locator(".rail [data-notified]").is_hidden()
    message_send(sender_id=bob.id, chat_id=group, text="What does @alice think?")
    follow()
    page.wait_for_selector(".rail [data-notified]:has-text('1')")
    row = page.locator(f".list [data-chat='{group}']")
    row.locator(".if-mentioned").wait_for()
    page.click(".rail a[title=Notifications]")
    row.locator(".if-mentioned").wait_for()
    page.wait_for_selector(".notification__row.is-unread")
    assert "mentioned you in Reading circle" in page.inner_text(".notification__row")
    assert page.get_attribute(".rail a[title=Notifications]", "aria-current") == "page"
    page.click(".notification__row")
    page.wait_for_selector(".mention--me")
    page.wait_for_selector(".rail [data-notified]", state="hidden")
    assert row.locator(".if-mentioned").is_hidden()
    assert not Notification.objects.filter(user=alice, read_at=None).exists()


def test_all_notifications_can_be_marked_as_read_without_scripts(window, group, alice, bob):
    message_send(sender_id=bob.id, chat_id=group, text="@alice")
    follow()
    hers = window(alice, java_script_enabled=False)
    page = hers.go("/notifications/")
    page.click("text=Mark all as read")
    assert page.locator(".notification__row").count() == 2
    assert page.locator(".is-unread").count() == 0


def test_mentions_are_links_on_both_sides_at_once(window, group, alice, bob):
    hers, his = window(alice), window(bob, at=1)
    page, other = hers.at_chat(group), his.at_chat(group)
    hers.send("Ask @bob_m. Not @nobody, not a@bob_m")
    for one, mark in ((page, "mention"), (other, "mention mention--me")):
        one.wait_for_selector(".bubble__text .mention")
        found = one.locator(".bubble__text a")
        assert found.count() == 1
        assert (found.inner_text(), found.get_attribute("class")) == ("@bob_m", mark)
    page.reload()
    assert page.locator(".bubble__text .mention").inner_text() == "@bob_m"


@pytest.mark.redis
def test_preferences_show_in_the_chat_list_of_all_my_pages(window, group, direct, alice):
    hers, elsewhere = window(alice), window(alice, at=1)
    far = elsewhere.at_chat(direct)
    page = hers.go(f"/chats/{group}/details/")
    row = f'[data-chat="{group}"]'
    page.get_by_role("button", name="Pin", exact=True).click()
    far.wait_for_selector(f"{row}[data-pinned]")
    page.get_by_role("button", name="8 hours").click()
    far.wait_for_selector(f"{row}[data-muted]")
    assert "Muted until" in page.inner_text(".prefs")
    page.get_by_role("button", name="Mentions only").click()
    page.get_by_role("button", name="Archive").click()
    far.wait_for_selector(f"#archived {row}", state="attached")
    page.wait_for_load_state()
    mine = Participant.objects.get(user=alice, chat=group)
    assert (mine.pinned, mine.archived, mine.notify) == (True, True, "mentions")
    page.wait_for_selector(f"#archived {row}", state="attached")


def test_pinned_chats_stay_first_when_other_chats_get_messages(window, group, direct, alice, bob):
    Participant.objects.filter(user=alice, chat=group).update(pinned=True)
    page = window(alice).go("/")
    page.wait_for_timeout(500)
    message_send(sender_id=bob.id, chat_id=direct, text="newer")
    page.wait_for_selector(f'[data-chat="{direct}"] >> text=newer')
    order = page.eval_on_selector_all("#chats [data-chat]", "all => all.map(a => a.dataset.chat)")
    assert order == [str(group), str(direct)]


@pytest.mark.redis
def test_a_draft_is_on_every_device(window, group, direct, alice):
    hers = window(alice)
    page = hers.at_chat(direct)
    page.fill("#text", "Dear Bob, I have")
    with page.expect_response(re.compile("/preferences")):
        page.click(f'[data-chat="{group}"]')
    page.wait_for_selector(f'[data-chat="{direct}"] .draft')
    assert "Dear Bob" in page.inner_text(f'[data-chat="{direct}"] .chat-row__draft')
    elsewhere = window(alice, at=1)
    far = elsewhere.at_chat(direct)
    assert far.input_value("#text") == "Dear Bob, I have"
    with far.expect_response(re.compile("/preferences")):
        elsewhere.send("Dear Bob, I have news")
    page.wait_for_selector(f'[data-chat="{direct}"]:not([data-draft])')
    assert Participant.objects.get(user=alice, chat=direct).draft == ""


STATES = [
    ("delete window.PushManager", "show notifications from sites"),
    (
        "Object.defineProperty(Notification, 'permission', {value: 'denied'})",
        "blocks notifications",
    ),
    ("Object.defineProperty(Notification, 'permission', {value: 'default'})", "Off."),
]


@pytest.mark.parametrize(("before", "says"), STATES)
def test_the_switch_explains_why_it_is_off(window, alice, before, says):
    hers = window(alice)
    hers.page.add_init_script(before)
    page = hers.go("/settings/notifications/")
    page.wait_for_selector(f"#push-state:has-text('{says}')")


# Chromium's push service needs the internet: only `subscribe` is replaced.
SUBSCRIBE = """
PushManager.prototype.subscribe = async function (options) {
  if (options.applicationServerKey.length !== 87) throw new Error("no key");
  window.made = { toJSON: () => ({ endpoint: "https://push.example.org/browser", keys: {
    p256dh: "%s", auth: "MDEyMzQ1Njc4OWFiY2RlZg" } }), unsubscribe: async () => true };
  return window.made;
};
PushManager.prototype.getSubscription = async () => window.made ?? null;
"""


def test_the_switch_registers_this_device_and_removes_it(window, alice):
    from apps.accounts.models import Device
    from tests.accounts.test_devices import subscription

    hers = window(alice)
    hers.context.grant_permissions(["notifications"])
    hers.page.add_init_script(SUBSCRIBE % subscription()["keys"]["p256dh"])
    page = hers.go("/settings/notifications/")
    switch = page.get_by_role("switch", name="Notifications on this device")
    switch.click()
    page.wait_for_selector("[role=switch][aria-checked=true]")
    assert Device.objects.get().user_id == alice.id
    hers.go("/settings/devices/")
    assert "Gets notifications" in page.inner_text("main")
    hers.go("/settings/notifications/")
    page.evaluate("window.made = { unsubscribe: async () => true }")
    page.wait_for_selector("[role=switch]:visible")
    page.evaluate("document.querySelector('[role=switch]').setAttribute('aria-checked', 'true')")
    switch.click()
    page.wait_for_selector("[role=switch][aria-checked=false]")
    assert not Device.objects.exists()


def test_the_service_worker_shows_a_push_once_and_not_over_its_open_chat(
    window, direct, group, alice
):
    hers = window(alice)
    hers.context.grant_permissions(["notifications"])
    page = hers.at_chat(direct)
    devtools = hers.context.new_cdp_session(page)
    registered: list[dict] = []
    devtools.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: registered.extend(event["registrations"]),
    )
    devtools.send("ServiceWorker.enable")
    page.evaluate(
        "navigator.serviceWorker.register('/sw.js').then(() => navigator.serviceWorker.ready)"
    )
    page.wait_for_function("navigator.serviceWorker.controller")
    assert registered[-1]["scopeURL"] == f"{hers.address}/"

    def push(chat_id, seq: int, tag: str, body: str) -> None:
        push_data = {"title": "Bob", "body": body, "url": f"/chats/{chat_id}/", "tag": tag}
        push_data |= {"chat_id": str(chat_id), "seq": seq}
        devtools.send(
            "ServiceWorker.deliverPushMessage",
            {
                "origin": hers.address,
                "registrationId": registered[-1]["registrationId"],
                "data": json.dumps(push_data),
            },
        )
        page.wait_for_timeout(300)

    def shown() -> list[str]:
        script = """navigator.serviceWorker.ready.then((one) => one.getNotifications())
            .then((all) => all.map((note) => note.body))"""
        return page.evaluate(script)

    push(direct, 4, "a", "before one's eyes")
    assert shown() == []
    push(group, 2, "b", "first")
    push(group, 2, "b", "first")
    assert shown() == ["first"]
    push(group, 3, "c", "second")
    assert shown() == ["second"]
    push(group, 2, "b", "first, late")
    assert shown() == ["second"]
