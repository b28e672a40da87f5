"""Passkeys with a virtual authenticator: added in the settings, enough to sign in."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.factories import PASSWORD

DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def test_a_passkey_is_added_and_signs_in(window, alice):
    hers = window()
    # Browsers give keys to names only, not to addresses of numbers.
    hers.address = hers.address.replace("127.0.0.1", "localhost")
    devtools = hers.context.new_cdp_session(hers.page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    page = hers.go("/accounts/login/?next=/accounts/2fa/webauthn/add/")
    page.fill("[name=login]", "alice")
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Confirm it's you")).to_be_visible()
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    page.fill("[name=name]", "The laptop")
    page.get_by_label("Sign in with this key alone").check()
    page.get_by_role("button", name="Add the key").click()
    expect(page.get_by_role("status")).to_contain_text("The key is added.")
    hers.go("/accounts/2fa/webauthn/")
    expect(page.locator(".device")).to_contain_text("The laptop")
    hers.go("/accounts/logout/")
    page.locator("main").get_by_role("button", name="Sign out").click()
    hers.go("/accounts/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("heading", name="Chats", exact=True)).to_be_visible()
