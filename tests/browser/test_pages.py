"""Every page: accessible in both themes, no horizontal scrolling at 320 px, a clean console."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client

from apps.chats.models import Participant
from apps.messages.services.send import message_send
from apps.messages.tasks import fan_out
from messenger.core.errors import NotFound
from messenger.core.models import OutboxEvent

FAR = datetime(2999, 1, 1, tzinfo=UTC)

SERIOUS = {"serious", "critical"}
STRANGERS = [
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
    "/accounts/password/reset/done/",
    "/accounts/password/reset/key/1-abc/",
    "/accounts/confirm-email/",
    "/accounts/confirm-email/bad/",
    "/accounts/inactive/",
    "/unsubscribe/x/",
]
MEMBERS = [
    "/",
    "/chats/{direct}/",
    "/chats/{group}/",
    "/notifications/",
    "/settings/notifications/",
    "/chats/{group}/details/",
    "/chats/{direct}/messages/{message}/",
    "/chats/new/?q=bob",
    "/chats/new-group/",
    "/settings/profile/",
    "/settings/devices/",
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/2fa/",
    "/accounts/logout/",
]
GUARDED = [
    "/accounts/2fa/totp/activate/",
    "/accounts/2fa/webauthn/",
    "/accounts/2fa/webauthn/add/",
]


def problems_of(window, path: str) -> list[str]:
    page = window.go(path)
    page.wait_for_timeout(150)
    found = [
        f"{path}: {item['id']} {item['help']} {[node['target'] for node in item['nodes']][:3]}"
        for item in Axe().run(page).response["violations"]
        if item["impact"] in SERIOUS
    ]
    width = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return found + ([f"{path}: {width} px too wide"] if width > 0 else [])


@pytest.fixture
def paths(direct, group, alice, bob) -> list[str]:
    from apps.messages.models import Message

    message = Message.objects.filter(chat_id=direct).first()
    preferences = {"pinned": True, "archived": True, "draft": "And then"}
    Participant.objects.filter(user=alice, chat=direct).update(muted_until=FAR, **preferences)
    for text in ("@alice", "More"):
        message_send(sender_id=bob.id, chat_id=group, text=text)
    fan_out(list(OutboxEvent.objects.values_list("id", flat=True)))
    return [path.format(direct=direct, group=group, message=message.id) for path in MEMBERS]


@pytest.mark.parametrize(("theme", "width"), [("light", 1200), ("dark", 320)])
def test_pages_are_accessible_and_fit(window, paths, alice, theme, width):
    looks = {"color_scheme": theme, "viewport": {"width": width, "height": 700}}
    stranger, hers = window(**looks), window(alice, **looks)
    found = [line for path in STRANGERS for line in problems_of(stranger, path)]
    found += [line for path in paths for line in problems_of(hers, path)]
    assert found == []


def test_guarded_pages_after_the_password(window, alice):
    hers = window(alice)
    page = hers.go(GUARDED[0])
    page.fill("[name=password]", "correct horse battery")
    page.get_by_role("button", name="Confirm").click()
    assert [line for path in GUARDED for line in problems_of(hers, path)] == []


def test_a_missing_page_is_a_page_in_our_design(window, alice):
    hers = window(alice)
    page = hers.go("/nothing/here/")
    assert page.title() == f"{NotFound.title} · Lumin"
    hers.console_errors = [text for text in hers.console_errors if "404" not in text]
    body = Client().get("/api/v1/nothing", headers={"accept": "text/html"})
    assert body["Content-Type"].startswith("application/problem+json")


def test_the_theme_is_remembered_without_a_flash(window, alice):
    hers = window(alice, color_scheme="light")
    page = hers.go("/settings/profile/")
    page.get_by_role("button", name="Dark", exact=True).click()
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    raw = hers.context.request.get(f"{hers.address}/").text()
    assert 'data-theme="dark"' in raw


def test_styles_and_scripts_stay_within_their_budget(window, direct, alice):
    hers = window(alice)
    sizes: dict[str, int] = {"css": 0, "js": 0}

    def weigh(response):
        kind = response.url.rsplit(".", 1)[-1].split("?")[0]
        if kind in sizes and "/static/" in response.url:
            sizes[kind] += len(response.body())

    hers.page.on("response", weigh)
    page = hers.go(f"/chats/{direct}/")
    page.wait_for_load_state("networkidle")
    assert sizes["css"] <= 40_000
    assert sizes["js"] <= 60_000
