"""Domain errors: code, status, retry and title of each."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import get_args

import pytest
from django.utils import translation
from django.utils.functional import Promise
from rest_framework import exceptions as drf

from messenger.core import errors
from messenger.core.problems import exception_handler, from_status, problem
from messenger.core.schema import Problem

for app in ("accounts", "chats", "messages"):
    importlib.import_module(f"apps.{app}.errors")


def subclasses(error: type[errors.DomainError]) -> Iterator[type[errors.DomainError]]:
    yield error
    for one in error.__subclasses__():
        yield from subclasses(one)


ALL = sorted(set(subclasses(errors.DomainError)), key=lambda one: one.__name__)
DECLARED = [error for error in ALL if "code" in vars(error)]


@pytest.mark.parametrize("error", ALL, ids=lambda error: error.__name__)
def test_every_error_has_code_status_retry_and_a_translated_title(error):
    assert error.code
    assert 400 <= error.status < 600
    assert error.retry in errors.Retry
    assert isinstance(error.title, Promise)
    english = str(error.title)
    assert english.endswith(".")
    with translation.override("ru"):
        assert str(error.title) != english


def test_codes_are_unique():
    codes = [error.code for error in DECLARED]
    assert sorted(codes) == sorted(set(codes))


def test_every_declared_error_has_a_title_of_its_own():
    titles = [str(error.title) for error in DECLARED]
    assert sorted(titles) == sorted(set(titles))


@pytest.mark.parametrize(
    ("status", "code", "retry"),
    [
        (400, "invalid_input", "never"),
        (401, "not_authenticated", "after_sign_in"),
        (403, "forbidden", "never"),
        (404, "not_found", "never"),
        (405, "method_not_allowed", "never"),
        (418, "invalid", "never"),
        (429, "rate_limited", "later"),
        (500, "server_error", "later"),
        (502, "server_error", "later"),
        (503, "unavailable", "later"),
    ],
)
def test_a_bare_status_becomes_an_error_with_its_retry(status, code, retry):
    body = problem(from_status(status))
    assert (body["status"], body["code"], body["retry"]) == (status, code, retry)


def test_the_documented_retries_are_those_of_the_enum():
    assert set(get_args(Problem.model_fields["retry"].annotation)) == {*errors.Retry}


def test_a_problem_is_written_in_the_language_of_the_request():
    with translation.override("ru"):
        body = problem(errors.Forbidden())
    assert body["title"] == body["detail"] == "Вам это недоступно."


@pytest.mark.django_db
def test_rest_answers_in_the_persons_language_else_in_the_browsers(api, alice):
    alice.locale = "ru"
    alice.save()
    english = {"accept-language": "en"}
    russian = {"accept-language": "ru"}
    missing = "/chats/0199f3af-e001-7d3c-a5b9-70c62e18d4f9"
    assert api(alice).get(missing, headers=english).json()["title"].startswith("Уже удалено")
    assert api().get(missing, headers=russian).json()["title"] == "Сначала войдите."
    assert api().get(missing, headers=english).json()["title"] == "Sign in first."


def test_an_error_before_authentication_does_not_authenticate():
    class Request:
        @property
        def user(self):
            raise AssertionError

    response = exception_handler(drf.NotAcceptable(), {"request": Request()})
    assert response is not None
    assert response.data["code"] == "not_acceptable"
