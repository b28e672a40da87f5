"""The base class of every REST view."""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

from rest_framework.views import APIView

from messenger.core.errors import InvalidInput, NotAuthenticated
from messenger.core.json import guard
from messenger.core.limits import API
from messenger.core.routes import NotAnId
from messenger.core.shapes import Input, read_input

S = TypeVar("S", bound=Input)


class ApiView(APIView):
    """Enforces the declared rate limits; validates bodies and query strings."""

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        wrong = [name for name, value in kwargs.items() if isinstance(value, NotAnId)]
        if wrong:
            raise InvalidInput(
                errors=[{"field": name, "code": "uuid", "detail": "Not a UUID."} for name in wrong]
            )
        if request.user.is_authenticated:
            API.enforce(request)
        declared = getattr(self, request.method.lower(), None)
        limit = getattr(declared, "limit", None)
        if limit is not None:
            limit.enforce(request)

    @property
    def user_id(self) -> UUID:
        """The signed-in user's id; for routes that need one."""
        user_id = self.request.user.pk
        if user_id is None:
            raise NotAuthenticated
        return user_id

    def body(self, shape: type[S]) -> S:
        """The request's JSON body as `shape`, or `InvalidInput`."""
        return read_input(shape, self.request.data)

    def query(self, shape: type[S]) -> S:
        """The query string as `shape`; a repeated parameter is refused."""
        given = dict(self.request.query_params.lists())
        repeated = [name for name, values in given.items() if len(values) > 1]
        if repeated:
            raise InvalidInput(
                errors=[
                    {"field": name, "code": "repeated", "detail": "Give this once."}
                    for name in repeated
                ]
            )
        data = {name: values[0] for name, values in given.items()}
        guard(data)
        return read_input(shape, data)
