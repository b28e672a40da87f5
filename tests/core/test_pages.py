"""Pages of the site itself, and what holds for every template."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.db import OperationalError
from django.template.loader import get_template
from django.test import Client, RequestFactory
from django.utils import timezone

from apps.accounts.models import User
from messenger.core import errors, pages
from messenger.core.templatetags.lumin import hue, initials, linkify
from messenger.core.user_locale import UserLocaleMiddleware

TEMPLATES = Path(settings.BASE_DIR) / "templates"
PAGES = [path for path in sorted(TEMPLATES.rglob("*.html")) if "mail" not in str(path)]
INLINE = re.compile(r"""\sstyle=|\son[a-z]+=["']|javascript:|<style|<script(?![^>]*\bsrc=)""")


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.*")), ids=str)
def test_every_template_compiles(path):
    get_template(str(path.relative_to(TEMPLATES)))


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_no_template_violates_the_content_security_policy(path):
    assert INLINE.findall(path.read_text()) == []


def test_the_content_security_policy_allows_nothing_inline():
    policy = Client().get("/accounts/inactive/")["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


HANDLERS = [
    ("bad_request", errors.InvalidInput),
    ("forbidden", errors.Forbidden),
    ("csrf_failed", errors.FormOutdated),
    ("not_found", errors.NotFound),
    ("too_fast", errors.LimitExceeded),
]


def request_of(user: User | None = None):
    request = RequestFactory().get("/x")
    request.user = user
    return request


@pytest.mark.parametrize(("handler", "error"), HANDLERS)
def test_an_error_page_has_the_status_and_the_text_of_its_error(handler, error, db):
    answer = getattr(pages, handler)(request_of())
    assert answer.status_code == error.status
    assert f"<h1>{error.title}</h1>" in unescape(answer.content.decode())
    assert answer.get("Retry-After") == (error.retry_after and str(error.retry_after))


@pytest.mark.parametrize(
    ("cause", "error"),
    [(ValueError(), errors.ServerError), (OperationalError(), errors.Unavailable)],
)
def test_the_page_for_a_broken_server_needs_no_database(cause, error):
    try:
        raise cause
    except type(cause):
        answer = pages.server_error(RequestFactory().get("/x"))
    assert answer.status_code == error.status
    assert f"<h1>{error.title}</h1>" in unescape(answer.content.decode())


def refuse(request):
    raise request.refusal


REFUSALS = [
    (errors.NotFound(), 404, 404),
    (errors.LimitExceeded(retry_after=7), 429, 429),
    (errors.Forbidden(), 403, 302),
    (errors.Conflict(), 409, 302),
    (errors.NotAuthenticated(), 302, 302),
]


@pytest.mark.parametrize(("error", "page", "action"), REFUSALS, ids=str)
def test_a_refusal_becomes_a_page_or_for_an_action_a_notice_on_the_page_before(
    db, error, page, action
):
    request = request_of()
    request.refusal, request._messages = error, CookieStorage(request)
    assert pages.errors_as_pages(refuse)(request).status_code == page
    request.method = "POST"
    answer = pages.page_action(back="inbox")(refuse)(request)
    assert answer.status_code == action
    if answer.get("Location") == "/":
        assert [str(one) for one in request._messages] == [str(error.title)]
    assert answer.get("Retry-After") == (error.retry_after and str(error.retry_after))


def test_the_theme_is_a_cookie_and_redirects_only_within_the_site(db):
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


def test_hue_and_initials_depend_only_on_id_and_name():
    assert hue("01a1fa83-f59a-74c0-aef9-e8c506d7586b") == int("06d7586b", 16) % 12
    assert [initials(name) for name in ("Mira Sommer", "ola", "", "Надежда")] == [
        "MS",
        "O",
        "?",
        "Н",
    ]


def test_the_language_of_the_registration_stays(db):
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
def test_times_are_in_the_persons_zone_else_in_the_browsers(cookie, chosen, zone):
    seen = []
    middleware = UserLocaleMiddleware(lambda _: seen.append(timezone.get_current_timezone_name()))
    request = RequestFactory().get("/")
    request.COOKIES["tz"] = cookie
    request.user = User(locale="en", time_zone=chosen)
    middleware(request)
    assert seen == [zone]
