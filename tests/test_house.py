"""Rules of docs/architecture.md that a search of the source can check."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted([*(ROOT / "apps").rglob("*.py"), *(ROOT / "messenger").rglob("*.py")])

HTTP = {"get", "post", "put", "patch", "delete"}

# The modules that every app may have; see docs/architecture.md.
MODULES = {
    "__init__", "apps", "models", "migrations", "errors", "rules", "selectors", "serializers",
    "events", "services", "views", "urls", "commands", "tasks", "pages", "page_urls", "forms",
    "admin", "management", "mails", "push",
}  # fmt: skip
# Further modules of one app, each with its reason.
MORE_MODULES = {
    ("accounts", "adapter"): "allauth asks it for everything it would do itself",
    ("accounts", "authentication"): "DRF's authentication classes",
    ("accounts", "middleware"): "ties browser sessions to login sessions",
    ("accounts", "tokens"): "the format and signature of tokens",
}


def files_with(pattern: str) -> set[str]:
    """The files under apps/ and messenger/ with a line that matches, comments aside."""
    found = re.compile(pattern)
    return {
        str(path.relative_to(ROOT))
        for path in SOURCES
        for line in path.read_text().splitlines()
        if found.search(line.split("#")[0])
    }


@pytest.mark.parametrize("name", [r"\bon_commit\(", r"\bgroup_send\("])
def test_only_core_and_gateway_publish_after_a_commit(name):
    allowed = ("messenger/core/", "messenger/gateway/")
    assert {path for path in files_with(name) if not path.startswith(allowed)} == set()


def test_left_at_is_a_condition_in_one_module_only():
    found = files_with(r"left_at\s*(=\s*None\s*[,)]|__isnull|\s+IS\s+(NOT\s+)?NULL)")
    assert {path for path in found if "/migrations/" not in path} == {"apps/chats/models.py"}


def test_apps_have_the_same_modules():
    found = {
        (path.parts[1], path.parts[2].removesuffix(".py"))
        for path in (source.relative_to(ROOT) for source in SOURCES)
        if path.parts[0] == "apps" and len(path.parts) > 2
    }
    others = {(app, module) for app, module in found if module not in MODULES}
    assert others == MORE_MODULES.keys()


def test_methods_of_rest_views_are_short_and_have_no_try():
    offending = []
    for path in SOURCES:
        if "views" not in path.parts and path.stem != "views":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name in HTTP:
                lines = (node.end_lineno or 0) - node.body[0].lineno + 1
                if lines > 12 or any(isinstance(one, ast.Try) for one in ast.walk(node)):
                    offending.append(f"{path.relative_to(ROOT)}: {node.name} {node.lineno}")
    assert offending == []
