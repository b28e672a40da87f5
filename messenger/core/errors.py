"""The one family of errors that services, selectors and entry points raise on purpose."""

from __future__ import annotations

import enum
from typing import Any, ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Retry(enum.StrEnum):
    """When a refused request may be repeated unchanged."""

    NEVER = "never"
    LATER = "later"
    AFTER_SIGN_IN = "after_sign_in"


class DomainError(Exception):
    """A refusal: an RFC 9457 problem on REST, an `error` frame on the socket, a notice on a page.

    `code` is stable and documented. `title` is the text for people, translated when it is read.
    `detail` is for programmers and defaults to the title. `errors` lists `{field, code, detail}`
    for bad input. `retry_after` is in whole seconds.
    """

    status: int = 400
    code: str = "invalid"
    retry: Retry = Retry.NEVER
    title: ClassVar[str | Promise] = _("That didn't work.")
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
    title = _("That isn't valid. Check it and try again.")


class NotAuthenticated(DomainError):
    status = 401
    code = "not_authenticated"
    retry = Retry.AFTER_SIGN_IN
    title = _("Sign in first.")


class Forbidden(DomainError):
    """Visible, but not allowed."""

    status = 403
    code = "forbidden"
    title = _("You can't do that.")


class FormOutdated(Forbidden):
    """A page's form without a valid CSRF token."""

    code = "form_outdated"
    title = _("This page was open for too long.")


class NotFound(DomainError):
    """Missing, or not visible to the viewer: the answer is the same for both."""

    status = 404
    code = "not_found"
    title = _("That's gone, or you can't see it.")


class MethodNotAllowed(DomainError):
    status = 405
    code = "method_not_allowed"
    title = _("That isn't possible here.")


class NotAcceptable(DomainError):
    """The client accepts no JSON."""

    status = 406
    code = "not_acceptable"
    title = _("Only JSON is available here.")


class Conflict(DomainError):
    """The request contradicts what is stored."""

    status = 409
    code = "conflict"
    title = _("Something has changed meanwhile. Reload the page.")


class TooLarge(DomainError):
    status = 413
    code = "too_large"
    title = _("That is too large to send.")


class UnsupportedMediaType(DomainError):
    status = 415
    code = "unsupported_media_type"
    title = _("Send JSON.")


class LimitExceeded(DomainError):
    status = 429
    code = "rate_limited"
    retry = Retry.LATER
    title = _("Too fast. Wait a moment, then try again.")
    retry_after = 1


class ServerError(DomainError):
    """An unexpected exception; logged with its request id."""

    status = 500
    code = "server_error"
    retry = Retry.LATER
    title = _("Something broke on our side. Try again in a moment.")


class Unavailable(DomainError):
    """The database is out of reach; nothing was stored."""

    status = 503
    code = "unavailable"
    retry = Retry.LATER
    title = _("The server is busy. Try again in a moment.")
