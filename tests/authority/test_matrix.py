"""Who may do what, by every entry point: the product compared with one hand-written table.

The cells are generated: every viewer, action and object of the table, for each kind of chat that
has a policy, through each entry point that offers the action. An allowed action has the same
effect through each of them, in rows and events; a refused one has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction

from apps.accounts.services.login import device_sign_in
from apps.chats.models import Chat
from apps.chats.rules import POLICIES, Action, Standing, refusal_to
from apps.chats.selectors import standing_in
from apps.chats.services.groups import group_create
from apps.messages.commands.broker import SHAPES
from apps.messages.rules import MESSAGE_POLICY, MessageAction
from messenger.permission_table import CHATS, MESSAGES, PAGES
from tests.authority import stage as stages
from tests.authority.doors import OK, Broker, Page, Rest, Socket
from tests.authority.table import TABLES
from tests.conftest import DEVICE
from tests.web import Client, WebProcess

Cell = tuple[str, str, str]  # action, object, viewer
DOORS = {"rest": Rest, "page": Page, "broker": Broker}
# What an action of the table asks of the policies, where the names differ.
ASKS: dict[str, set[Action | MessageAction]] = {
    "mark_read": {Action.READ},
    "delete": {Action.DELETE_OWN, Action.DELETE_ANY, MessageAction.DELETE},
    "read": {Action.READ, MessageAction.READ},
    "edit": {Action.EDIT, MessageAction.EDIT},
}


class RolledBack(Exception):
    """Ends the transaction of one cell."""


@pytest.fixture
def no_limits(settings) -> None:
    settings.LIMITS_SCALE = 10_000


@contextmanager
def undone() -> Iterator[None]:
    """Everything inside is rolled back."""
    try:
        with transaction.atomic():
            yield
            raise RolledBack
    except RolledBack:
        pass


class Matrix:
    """The cells of one kind of chat, performed inside the test's transaction."""

    def __init__(self, kind: str) -> None:
        self.kind, self.table = kind, TABLES[kind]
        self.doors = {name: door() for name, door in DOORS.items()}
        self.people = stages.people(f"{kind}_")
        self._stages: dict[str, stages.Stage] = {}

    def stage(self, viewer: str) -> stages.Stage:
        """The chat in which a viewer acts, made when first needed; the same one for a group."""
        key = "" if self.kind == Chat.Kind.GROUP else viewer
        if key not in self._stages:
            make: Any = stages.direct if key else stages.group
            self._stages[key] = make(self.people, viewer) if key else make(self.people)
        return self._stages[key]

    def perform(self, door: str, cell: Cell) -> tuple[str, Any]:
        """The outcome of a cell, and what it changed; nothing of it stays."""
        action, target, viewer = cell
        stage = self.stage(viewer)
        self.doors[door].sign_in(stage, viewer)
        with undone():
            before, last = stage.snapshot(), stages.last_event_id()
            outcome = self.doors[door].perform(stage, action, target, viewer)
            after, events = stage.snapshot(), stages.events_since(last)
        return outcome, (after if after != before else None, events)

    def differences(self, cells: Iterator[tuple[str, Cell]]) -> Iterator[str]:
        """A line for each cell that ends otherwise than the table says."""
        for door, cell in cells:
            outcome, (changed, events) = self.perform(door, cell)
            expected = self.table[cell]
            if outcome != expected:
                yield f"{self.kind} {cell} by {door}: {outcome} instead of {expected}"
            elif outcome != OK and (changed or events):
                yield f"{self.kind} {cell} by {door}: refused, but changed {changed} {events}"

    def cells(self, *, actions: set[str] | None = None) -> Iterator[tuple[str, Cell]]:
        """Every (entry point, cell), of some actions or of all."""
        for cell in self.table:
            for name, door in DOORS.items():
                if cell[0] in door.actions and (actions is None or cell[0] in actions):
                    yield name, cell


@pytest.mark.parametrize("kind", sorted(POLICIES))
def test_every_entry_point_but_the_socket_agrees_with_the_table(kind, db, no_limits):
    matrix = Matrix(kind)
    cells = list(matrix.cells())
    print(f"{kind}: {len(cells)} cells by {', '.join(DOORS)}")
    assert list(matrix.differences(iter(cells))) == []


@pytest.mark.parametrize("kind", sorted(POLICIES))
def test_an_allowed_action_has_one_effect_by_all_entry_points(kind, db, no_limits):
    matrix, different = Matrix(kind), []
    for cell, expected in matrix.table.items():
        if expected != OK or cell[0] == "read":
            continue
        doors = [name for name, door in DOORS.items() if cell[0] in door.actions]
        effects = {name: matrix.perform(name, cell)[1] for name in doors}
        first = next(iter(effects.values()), None)
        if any(effect != first for effect in effects.values()):
            different.append((cell, effects))
        silent = cell[0] == "mark_read" and cell[2] == "blocker"  # receipts would show presence
        if any(effect == (None, []) for effect in effects.values()) and not silent:
            different.append((cell, "no effect"))
    assert different == []


@pytest.fixture
def web(transactional_db) -> Iterator[WebProcess]:
    """A web process without rate limits."""
    process = WebProcess(LIMITS_SCALE="10000")
    yield process
    process.stop()


def test_the_socket_agrees_with_the_table(web, no_limits):
    cast = stages.people()
    everyone = [user.id for name, user in cast.items() if name != "owner"]
    marker = group_create(actor_id=cast["owner"].id, title="Marker", member_ids=everyone)
    clients: list[Client] = []

    def join(user: Any) -> Client:
        client = Client(web.port, device_sign_in(user=user, device=DEVICE).access, max_queue=None)
        client.ready()
        clients.append(client)
        return client

    door = Socket(join, marker.id)
    try:
        differences = [
            line for kind in sorted(POLICIES) for line in _socket_differences(kind, cast, door)
        ]
    finally:
        for client in clients:
            client.close()
    assert differences == []


def _socket_differences(kind: str, cast: Any, door: Socket) -> Iterator[str]:
    """As `Matrix.differences`; what was changed stays, so each allowed cell gets a new chat."""
    stage, staged_for = None, ""
    cells = [(cell, outcome) for cell, outcome in TABLES[kind].items() if cell[0] in door.actions]
    print(f"{kind}: {len(cells)} cells by socket")
    for cell, expected in sorted(cells, key=lambda one: one[0][2]):
        action, target, viewer = cell
        if stage is None or (kind == Chat.Kind.DIRECT and staged_for != viewer):
            stage, staged_for = _new_stage(kind, cast, viewer), viewer
        before, last = stage.snapshot(), stages.last_event_id()
        outcome = door.perform(stage, action, target, viewer)
        events = [one for one in stages.events_since(last) if not _is_of_marker(one, action)]
        changed = stage.snapshot() != before or bool(events)
        if outcome != expected:
            yield f"{kind} {cell} by socket: {outcome} instead of {expected}"
        elif changed and outcome != OK:
            yield f"{kind} {cell} by socket: refused, but changed {events}"
        elif not changed and outcome == OK and action not in ("type", "mark_read"):
            yield f"{kind} {cell} by socket: no effect"
        if changed:
            stage = None


def _new_stage(kind: str, cast: Any, viewer: str) -> stages.Stage:
    return stages.group(cast) if kind == Chat.Kind.GROUP else stages.direct(cast, viewer)


def _is_of_marker(event_type: str, action: str) -> bool:
    """A typing frame is followed by a message to the marker chat."""
    return action == "type" and event_type == "message.sent"


# --- Every condition is needed ------------------------------------------------------------------

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


# --- The table is complete ----------------------------------------------------------------------


def test_every_action_of_the_policies_is_in_the_table():
    for kind, policy in POLICIES.items():
        assert set(policy) == set(Action)
        names = {cell[0] for cell in TABLES[kind]}
        asked = {one for name in names for one in ASKS.get(name) or {Action(name)}}
        assert asked == {*Action, *MessageAction}, kind
    assert set(MESSAGE_POLICY) == set(MessageAction)
    assert set(TABLES) == set(POLICIES) == set(Chat.Kind.values)


# Routes of chats and messages that the matrix leaves out, and why.
BESIDE = {
    ("api:chats", "GET"): "a list of one's own chats",
    ("api:chats", "POST"): "makes a chat; tests/chats/test_direct.py, test_groups.py",
    ("api:chat-preferences", "PATCH"): "one's own row",
    ("api:messages", "GET"): "reads, as api:chat does",
    ("api:participants", "GET"): "reads, as api:chat does",
    ("api:message-read", "POST"): "marks as read, as api:chat-read does",
    ("api:message-receipts", "GET"): "reads, as api:message does",
    ("api:message-history", "GET"): "reads, as api:message does",
}


def test_every_rest_route_of_chats_and_messages_is_covered():
    routes = {(name, method) for name, ways in {**CHATS, **MESSAGES}.items() for method in ways}
    assert routes == set(Rest.ROUTES.values()) | BESIDE.keys()


PAGES_BESIDE = {
    *("inbox", "notifications", "notifications-read", "chat-details"),  # one's own lists
    *("chat-new", "chat-open", "group-new", "group-search", "group-create"),  # make chats
    *("chat-pin", "chat-archive", "chat-notify", "chat-mute"),  # one's own row
    *("chat-block", "chat-unblock"),  # about a person, not a chat
}


def test_every_page_action_of_chats_and_messages_is_covered():
    covered = {name for name, _ in Page.ROUTES.values()}
    assert PAGES.keys() == covered | PAGES_BESIDE


def test_every_topic_and_command_is_covered():
    assert set(Broker.TOPICS.values()) == set(SHAPES)


def test_conditions_without_entry_are_denied(db):
    chat = Chat(kind="unknown")
    with pytest.raises(KeyError):
        refusal_to(Action.READ, Standing(chat, chat.id, None))
