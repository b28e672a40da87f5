"""Pages of the site itself, and what holds for every template."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import get_template
from django.test import Client, RequestFactory
from django.utils import timezone

from apps.accounts.models import User
from messenger.core import pages
from messenger.core.templatetags.lumin import hue, initials, linkify
from messenger.core.user_locale import UserLocaleMiddleware

TEMPLATES = Path(settings.BASE_DIR) / "templates"
PAGES = [path for path in sorted(TEMPLATES.rglob("*.html")) if "mail" not in str(path)]
INLINE = re.compile(r"""\sstyle=|\son[a-z]+=["']|javascript:|<style|<script(?![^>]*\bsrc=)""")


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.*")), ids=str)
def test_every_template_compiles(path):
    get_template(str(path.relative_to(TEMPLATES)))


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_no_page_needs_more_than_the_content_policy_allows(path):
    assert INLINE.findall(path.read_text()) == []


def test_the_policy_allows_nothing_inline():
    policy = Client().get("/accounts/inactive/")["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("handler", ["bad_request", "forbidden", "not_found", "too_fast"])
def test_errors_are_pages_in_our_design(handler, db):
    request = RequestFactory().get("/x")
    request.user = None
    answer = getattr(pages, handler)(request)
    assert answer.status_code in (400, 403, 404, 429)
    assert b"entrance__card" in answer.content


def test_the_page_for_a_broken_server_needs_no_database():
    answer = pages.server_error(RequestFactory().get("/x"))
    assert answer.status_code == 500
    assert b"Something broke" in answer.content


def test_the_theme_is_a_cookie_and_leads_nowhere_else(db):
    client = Client()
    answer = client.post("/theme/", {"theme": "dark", "next": "https://evil.example/"})
    assert answer["Location"] == "/"
    assert client.cookies["theme"].value == "dark"
    client.post("/theme/", {"theme": "'><script>"})
    assert client.cookies["theme"].value == ""


def test_links_are_made_without_trusting_the_text():
    made = linkify('<b>&</b> see https://a.example/x?y=1&z="2". Or http://b.example!')
    assert "<b>" not in made
    assert made.count("<a ") == 2
    assert 'href="https://a.example/x?y=1&amp;z="' in made
    assert 'href="http://b.example"' in made
    assert "javascript" not in linkify("javascript:alert(1)").replace("javascript:alert(1)", "")


def test_faces_are_the_same_for_everybody():
    assert hue("01a1fa83-f59a-74c0-aef9-e8c506d7586b") == int("06d7586b", 16) % 12
    assert [initials(name) for name in ("Mira Sommer", "ola", "", "Надежда")] == [
        "MS",
        "O",
        "?",
        "Н",
    ]


def test_who_registers_in_russian_is_answered_in_russian_from_then_on(db):
    client = Client(headers={"accept-language": "ru"})
    form = {"username": "olga", "email": "olga@example.org", "password1": "correct horse battery"}
    assert client.post("/accounts/signup/", form).status_code == 302
    assert User.objects.get(username="olga").locale == "ru"
    page = client.get("/", headers={"accept-language": "en"})
    assert 'lang="ru"' in page.content.decode()


@pytest.mark.parametrize(
    ("cookie", "chosen", "zone"),
    [
        ("Asia/Tokyo", "UTC", "Asia/Tokyo"),
        ("Asia/Tokyo", "America/Lima", "America/Lima"),
        ("../../etc/passwd", "UTC", "UTC"),
        ("Mars/Olympus_Mons", "UTC", "UTC"),
        ("Europe", "UTC", "UTC"),
        ("x" * 4000, "UTC", "UTC"),
        ("", "UTC", "UTC"),
    ],
)
def test_times_stand_in_the_persons_zone_else_in_the_browsers(cookie, chosen, zone):
    seen = []
    middleware = UserLocaleMiddleware(lambda _: seen.append(timezone.get_current_timezone_name()))
    request = RequestFactory().get("/")
    request.COOKIES["tz"] = cookie
    request.user = User(locale="en", time_zone=chosen)
    middleware(request)
    assert seen == [zone]
