"""Declares REST routes: their rate limits, and their documentation in OpenAPI."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from pydantic import BaseModel, Field

from messenger.core.limits import API
from messenger.core.shapes import Input, Output
from messenger.core.throttles import Limit


class FieldProblem(Output):
    """A problem with one field."""

    field: str = Field(description="Path of the field, with dots.")
    code: str
    detail: str


class Problem(Output):
    """RFC 9457 problem details."""

    type: str = Field(description="A URN naming the kind of problem.")
    title: str = Field(description="Short text for people, in their language.")
    status: int
    detail: str = Field(description="Text for programmers.")
    code: str = Field(description="Stable name of the error.")
    retry: Literal["never", "later", "after_sign_in"] = Field(
        description="When the same request may be sent again: `never`; `later`, after"
        " `retry_after` seconds or a growing pause with jitter; or `after_sign_in`."
    )
    request_id: str = Field(description="Quote this when you report the problem.")
    errors: list[FieldProblem] | None = None
    retry_after: int | None = Field(default=None, description="Whole seconds to wait.")


MEANING = {
    400: "The input is not valid; nothing was changed.",
    401: "Sign in first.",
    403: "Visible, but not allowed.",
    404: "There is no such thing, or you cannot see it.",
    409: "Conflicts with the current state.",
    415: "Send JSON.",
    429: "Too many requests; see Retry-After.",
    503: "The database is unavailable.",
}


class ApiSchema(AutoSchema):
    """drf-spectacular's schema; the tag is the first word of the path."""

    def get_tags(self) -> list[str]:
        words = [word for word in self.path.split("/") if word and word not in ("api", "v1")]
        return words[:1]

    def get_operation_id(self) -> str:
        """Such as `get_users_by_user_id`: unique, and suitable as a name in generated clients."""
        words = [word for word in self.path.split("/") if word and word not in ("api", "v1")]
        parts = [f"by_{word[1:-1]}" if word.startswith("{") else word for word in words]
        return "_".join([self.method.lower(), *parts]).replace("-", "_")

    def get_description(self) -> str:  # type: ignore[override]
        """Nothing but the text given to `describe`: docstrings are for developers."""
        return ""

    def _get_request_body(self, direction: Any = "request") -> Any:
        # drf-spectacular documents no body for DELETE unless it takes it for a POST.
        method = self.method
        if method == "DELETE" and self.get_request_serializer() is not None:
            self.method = "POST"
        try:
            return super()._get_request_body(direction)  # type: ignore[no-untyped-call]
        finally:
            self.method = method


def describe(
    summary: str,
    *,
    request: type[BaseModel] | None = None,
    responses: Mapping[int, type[BaseModel] | None],
    query: type[Input] | None = None,
    errors: Sequence[int] = (),
    public: bool = False,
    description: str = "",
    limit: Limit | None = None,
    outcome_limits: Sequence[Limit] = (),
) -> Callable[[Any], Any]:
    """Declare a view method: its document and its rate limit.

    `errors` adds to the statuses that every route can answer (400, 401, 429). `limit` is enforced
    by `ApiView` before the method runs, after the `api` limit of signed-in users. The method itself
    takes from `outcome_limits`, which apply to some of its requests only.
    """
    limits = [*(() if public else (API,)), *((limit,) if limit else ()), *outcome_limits]
    meaning = {**MEANING, 429: " ".join([MEANING[429], *(f"{one}." for one in limits)])}
    problems = {400, 429, *errors} | (set() if public else {401})
    if request is not None:
        problems.add(415)
    answers: dict[Any, Any] = {
        status: OpenApiResponse(shape, description="") for status, shape in responses.items()
    }
    for status in sorted(problems):
        answers[(status, "application/problem+json")] = OpenApiResponse(
            Problem, description=meaning[status]
        )
    document = extend_schema(
        summary=summary,
        description=description or None,
        request=request,
        responses=answers,
        parameters=_query_parameters(query) if query else None,
        auth=[] if public else None,
    )

    def declare(method: Any) -> Any:
        method.limit, method.outcome_limits = limit, tuple(outcome_limits)
        return document(method)

    return declare


def _query_parameters(shape: type[Input]) -> list[OpenApiParameter]:
    schema = shape.model_json_schema()
    definitions = schema.get("$defs", {})
    required = set(schema.get("required", ()))
    parameters = []
    for name, given in schema["properties"].items():
        field = definitions[given["$ref"].rsplit("/", 1)[1]] if "$ref" in given else given
        parameters.append(
            OpenApiParameter(
                name,
                type={key: value for key, value in field.items() if key not in DROPPED},
                required=name in required,
                description=field.get("description", ""),
            )
        )
    return parameters


DROPPED = ("title", "description", "default")
