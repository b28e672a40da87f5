"""The API document: complete, true under generated input, and good enough to make a client of."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.core.management import call_command
from django.test import Client
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks as conformance

from apps.accounts.services.login import device_sign_in
from tests.conftest import DEVICE
from tests.factories import PASSWORD, UserFactory
from tests.web import WebProcess

CHECKS = [
    not_a_server_error,
    conformance.status_code_conformance,
    conformance.content_type_conformance,
    conformance.response_schema_conformance,
]


@pytest.fixture
def document(db) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(
        Client().get("/api/schema", headers={"Accept": "application/json"}).content
    )
    return body


@pytest.fixture(scope="module")
def web(django_db_setup, django_db_blocker):
    """A web process with limits out of the way."""
    with django_db_blocker.unblock():
        process = WebProcess(LIMITS_SCALE="1000")
    yield process
    process.stop()


def test_document_is_generated_without_warnings(tmp_path, capfd):
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "s.yml"))
    assert "Warning" not in capfd.readouterr().err


def test_every_operation_documents_its_answers(document):
    assert document["openapi"].startswith("3.1")
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            assert operation["summary"], where
            assert {"400", "429"} <= set(operation["responses"]), where
            for status, answer in operation["responses"].items():
                if int(status) >= 400:
                    assert "application/problem+json" in answer["content"], f"{where} {status}"


def test_document_and_page_are_served_without_external_assets(client, db):
    page = client.get("/api/docs")
    assert page.status_code == 200
    assert b"https://" not in page.content
    assert client.get("/api/schema").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_generated_requests_get_documented_answers_only(web):
    found = schemathesis.openapi.from_url(f"{web.url}/api/schema").get_all_operations()
    operations = [result.ok() for result in found]
    assert len(operations) > 25
    for operation in operations:
        person = UserFactory()  # of its own: some operations end sessions or the account
        token = device_sign_in(user=person, device=DEVICE).access
        attack(operation, {"Authorization": f"Bearer {token}"})


def attack(operation: Any, headers: dict[str, str]) -> None:
    """Generated requests, good and bad, against one operation."""

    @given(case=operation.as_strategy())
    @settings(
        max_examples=15,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def holds(case: Any) -> None:
        case.call_and_validate(headers=headers, checks=CHECKS)

    holds()


@pytest.mark.django_db(transaction=True)
def test_client_generated_from_the_document_signs_in_sends_and_reads(
    web, alice, bob, document, tmp_path, monkeypatch
):
    source, target = tmp_path / "openapi.json", tmp_path / "generated"
    source.write_text(json.dumps(document))
    generator = Path(sys.executable).parent / "openapi-python-client"
    subprocess.run(
        [generator, "generate", "--path", source, "--output-path", target, "--meta", "none"],
        check=True,
        capture_output=True,
    )
    (tmp_path / "generated").rename(tmp_path / "lumin_client")
    monkeypatch.syspath_prepend(str(tmp_path))
    package = importlib.import_module("lumin_client")
    models = importlib.import_module("lumin_client.models")

    def operation(tag: str, name: str) -> Any:
        return importlib.import_module(f"lumin_client.api.{tag}.{name}").sync

    stranger = package.Client(base_url=web.url)
    signed_in = operation("auth", "post_auth_login")(
        client=stranger, body=models.LoginInput(login="alice", password=PASSWORD)
    )
    me = package.AuthenticatedClient(base_url=web.url, token=signed_in.access)
    body = models.MessageSendInput(text="from a generated client", recipient_id=bob.id)
    sent = operation("messages", "post_messages")(client=me, body=body)
    timeline = operation("messages", "get_messages")(client=me, chat_id=sent.chat_id)
    assert [item.text for item in timeline.items] == ["from a generated client"]
    chats = operation("chats", "get_chats")(client=me)
    assert chats.items[0].peer.username == bob.username
