"""Rate limits as entry points declare them."""

from __future__ import annotations

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from messenger.core.errors import LimitExceeded
from messenger.core.limits import LOGIN_ACCOUNT, MESSAGES, REGISTER, limited


@pytest.fixture
def two_at_once(settings):
    names = ("messages", "register")
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, **dict.fromkeys(names, (2, 0.001))}


@pytest.fixture
def request_of(alice):
    def make(method: str = "POST", address: str = "192.0.2.1", path: str = "/"):
        request = RequestFactory().generic(method, path, REMOTE_ADDR=address)
        request.user = alice
        return request

    return make


def statuses_of(view, request, times: int) -> list[int]:
    return [view(request).status_code for _ in range(times)]


def refuse(request, error: LimitExceeded) -> HttpResponse:
    return HttpResponse(f"wait {error.retry_after}", status=429)


def test_limit_counts_per_user(two_at_once, request_of):
    view = limited(MESSAGES, on_exceeded=refuse)(lambda request: HttpResponse())
    assert statuses_of(view, request_of(), 3) == [200, 200, 429]


def test_limit_counts_per_address(two_at_once, request_of):
    view = limited(REGISTER, on_exceeded=refuse)(lambda request: HttpResponse())
    assert statuses_of(view, request_of(), 3) == [200, 200, 429]
    assert view(request_of(address="192.0.2.2")).status_code == 200


def test_limit_applies_to_the_declared_methods_and_condition_only(two_at_once, request_of):
    view = limited(
        MESSAGES,
        methods=("GET",),
        when=lambda request: "q" in request.GET,
        on_exceeded=refuse,
    )(lambda request: HttpResponse())
    assert statuses_of(view, request_of("POST", path="/?q=a"), 3) == [200, 200, 200]
    assert statuses_of(view, request_of("GET"), 3) == [200, 200, 200]
    assert statuses_of(view, request_of("HEAD", path="/?q=a"), 3) == [200, 200, 429]


def test_exceeded_limit_raises_without_a_handler(two_at_once, request_of):
    view = limited(MESSAGES)(lambda request: HttpResponse())
    statuses_of(view, request_of(), 2)
    with pytest.raises(LimitExceeded) as caught:
        view(request_of())
    assert caught.value.retry_after >= 1


def test_limit_that_a_request_cannot_tell_is_not_enforced_by_mistake(request_of):
    with pytest.raises(ValueError, match="account"):
        LOGIN_ACCOUNT.enforce(request_of())
