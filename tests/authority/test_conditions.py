"""Every condition of every policy is needed: without it, the table no longer holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from apps.chats.rules import POLICIES, Action, refusal_to
from apps.chats.selectors import standing_in
from apps.messages.rules import MESSAGE_POLICY, MessageAction
from tests.authority.entry_points import OK
from tests.authority.matrix import ASKS, Matrix

CONDITIONS = [
    *((kind, action, n) for kind in POLICIES for action in POLICIES[kind]
      for n in range(len(POLICIES[kind][action]))),
    *(("message", action, n) for action in MESSAGE_POLICY
      for n in range(len(MESSAGE_POLICY[action]))),
]  # fmt: skip


def actions_asking(action: Action | MessageAction) -> set[str]:
    """The actions of the table that a condition of `action` decides about."""
    if action in (Action.READ, MessageAction.READ):
        return {"read", "edit", "delete", "send", "update"}
    return {name for name, asked in ASKS.items() if action in asked} | {action.value}


@pytest.mark.parametrize(
    ("policy", "action", "n"), CONDITIONS, ids=lambda one: getattr(one, "name", str(one))
)
def test_without_any_one_condition_the_table_is_broken(
    policy, action, n, db, no_limits, monkeypatch
):
    policies: Any = MESSAGE_POLICY if policy == "message" else POLICIES[policy]
    rest = [one for m, one in enumerate(policies[action]) if m != n]
    monkeypatch.setitem(policies, action, tuple(rest))
    kinds = sorted(POLICIES) if policy == "message" else [policy]
    broken: Iterator[str] = (
        line for kind in kinds for line in _all_differences(kind, actions_asking(action))
    )
    assert next(broken, None) is not None


def _all_differences(kind: str, actions: set[str]) -> Iterator[str]:
    matrix = Matrix(kind)
    yield from matrix.differences(matrix.cells(actions=actions))
    if "type" in actions:
        yield from _typing_differences(matrix)


def _typing_differences(matrix: Matrix) -> Iterator[str]:
    """The policy's own answer to typing, which only the socket offers."""
    for (action, _, viewer), expected in matrix.table.items():
        if action != "type":
            continue
        stage = matrix.stage(viewer)
        standing = standing_in(stage.chat, stage.people[viewer].id)
        refused = refusal_to(Action.TYPE, standing) is not None
        if refused == (expected == OK):
            yield f"{matrix.kind} typing of {viewer}"
