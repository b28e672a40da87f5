"""Every rate limit of the site, and the decorator by which a page declares its own.

REST routes declare theirs with `describe(..., limit=...)`, socket commands in their declaration.
A few limits depend on what a request turns out to do: their `take` is called where that is known.
Bursts and rates are in `settings.RATE_LIMITS`. Commands from a broker have no limits.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse

from messenger.core.errors import LimitExceeded
from messenger.core.throttles import Key, Limit

API = Limit("api", Key.USER)
MESSAGES = Limit("messages", Key.USER)
NEW_CHATS = Limit("chats", Key.USER)
SEARCH = Limit("search", Key.USER)
REGISTER = Limit("register", Key.ADDRESS)
REFRESH = Limit("refresh", Key.ADDRESS)
LOGIN_ADDRESS = Limit("login_address", Key.ADDRESS)
LOGIN_ACCOUNT = Limit("login_account", Key.ACCOUNT)
# The account of a signed-in user who must give the password again; the same buckets as above.
OWN_ACCOUNT = Limit("login_account", Key.USER)
MAIL_REQUEST = Limit("mail_address", Key.ADDRESS)
MAIL = Limit("mail", Key.RECIPIENT)
TYPING = Limit("typing", Key.USER_AND_CHAT)
BAD_FRAMES = Limit("bad_frames", Key.USER)
FRAMES = Limit("frames", Key.CONNECTION)

View = Callable[..., HttpResponse]
Condition = Callable[[HttpRequest], bool]


def limited(
    *limits: Limit,
    methods: Collection[str] = ("POST",),
    when: Condition | None = None,
    on_exceeded: Callable[..., HttpResponse] | None = None,
) -> Callable[[View], View]:
    """Enforce rate limits before a page's view runs, for the given methods.

    `when(request)` narrows that further, for instance to requests that search. Where a limit is
    exceeded, `on_exceeded(request, error, *args, **kwargs)` answers; without it `LimitExceeded`
    goes on to the decorator outside this one, which shows the page for status 429.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def enforce(request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
            method = "GET" if request.method == "HEAD" else request.method
            if method in methods and (when is None or when(request)):
                try:
                    for limit in limits:
                        limit.enforce(request)
                except LimitExceeded as error:
                    if on_exceeded is None:
                        raise
                    return on_exceeded(request, error, *args, **kwargs)
            return view(request, *args, **kwargs)

        enforce.limits = limits  # type: ignore[attr-defined]  # read by a test
        return enforce

    return decorate
