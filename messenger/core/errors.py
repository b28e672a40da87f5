"""The one family of errors that a service, a selector or a door may raise on purpose."""

from __future__ import annotations

from typing import Any


class DomainError(Exception):
    """Becomes an RFC 9457 problem on REST and an `error` frame on the socket.

    `code` is stable and documented; `errors` lists `{field, code, detail}` for bad input;
    `retry_after` is in whole seconds.
    """

    status = 400
    code = "invalid"
    title = "The request is not valid"
    retry_after: int | None = None

    def __init__(
        self,
        detail: str = "",
        *,
        errors: list[dict[str, Any]] | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.errors = errors
        if retry_after is not None:
            self.retry_after = retry_after


class InvalidInput(DomainError):
    """Wrong shape, type, length or value; nothing was changed."""

    code = "invalid_input"
    title = "The input is not valid"


class NotAuthenticated(DomainError):
    status = 401
    code = "not_authenticated"
    title = "Sign in first"


class Forbidden(DomainError):
    """Visible, but not allowed."""

    status = 403
    code = "forbidden"
    title = "You may not do that"


class NotFound(DomainError):
    """Missing, or not visible to the asker: the two are never told apart."""

    status = 404
    code = "not_found"
    title = "There is nothing here that you can see"


class Conflict(DomainError):
    status = 409
    code = "conflict"
    title = "This clashes with what is there already"


class LimitExceeded(DomainError):
    status = 429
    code = "rate_limited"
    title = "Too many requests"
    retry_after = 1
