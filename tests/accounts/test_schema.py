"""The API document of accounts."""

from __future__ import annotations

import pytest
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator


@pytest.fixture(scope="module")
def document():
    GENERATOR_STATS.reset()
    made = SchemaGenerator().get_schema(public=True)
    made["warnings"] = [*GENERATOR_STATS._warn_cache, *GENERATOR_STATS._error_cache]
    return made


def test_document_is_generated_without_warnings(document):
    assert document["warnings"] == []


def test_every_operation_of_accounts_is_documented(document):
    operations = [
        (method, path, operation)
        for path, methods in document["paths"].items()
        if path.startswith(("/api/v1/auth", "/api/v1/users"))
        for method, operation in methods.items()
    ]
    assert len(operations) == 18
    for method, path, operation in operations:
        assert operation["summary"], path
        assert {"400", "429"} <= operation["responses"].keys(), path
        if "security" in operation:
            assert "401" in operation["responses"], path
            assert method == "get" or "403" in operation["responses"], path
        problems = [status for status in operation["responses"] if status >= "400"]
        for status in problems:
            content = operation["responses"][status]["content"]
            assert list(content) == ["application/problem+json"]


def test_body_of_account_deletion_is_documented(document):
    body = document["paths"]["/api/v1/users/me"]["delete"]["requestBody"]
    assert "UserDeleteInput" in str(body)
