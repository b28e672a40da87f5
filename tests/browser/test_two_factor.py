"""The second step of signing in offers the factors that the person has."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from playwright.sync_api import expect

from tests.factories import PASSWORD


@pytest.fixture
def page(window, alice):
    TOTP.activate(alice, generate_totp_secret())
    page = window().go("/accounts/login/")
    page.fill("[name=login]", "alice")
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Two-factor sign-in")).to_be_visible()
    return page


def test_a_security_key_is_offered_only_to_those_who_have_one(page):
    expect(page.get_by_role("button", name="Use a security key")).to_have_count(0)
    page.fill("[name=code]", "000000")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert Authenticator.objects.count() == 1
