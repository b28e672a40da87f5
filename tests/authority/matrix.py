"""The cells of the authority table, performed by REST, pages and the broker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction

from apps.chats.models import Chat
from apps.chats.rules import Action
from apps.messages.rules import MessageAction
from tests.authority import stage as stages
from tests.authority.entry_points import OK, Broker, Page, Rest, RestReads
from tests.authority.table import TABLES

Cell = tuple[str, str, str]  # action, object, viewer
ENTRY_POINTS = {"rest": Rest, "other reads": RestReads, "page": Page, "broker": Broker}
# The policies' actions that an action of the table asks for, where the names differ.
ASKS: dict[str, set[Action | MessageAction]] = {
    "mark_read": {Action.READ},
    "delete": {Action.DELETE_OWN, Action.DELETE_ANY, MessageAction.DELETE},
    "read": {Action.READ, MessageAction.READ},
    "edit": {Action.EDIT, MessageAction.EDIT},
}


@contextmanager
def undone() -> Iterator[None]:
    """Everything inside is rolled back."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


class Matrix:
    """The cells of one kind of chat, performed inside the test's transaction."""

    def __init__(self, kind: str) -> None:
        self.kind, self.table = kind, TABLES[kind]
        self.entry_points = {name: entry_point() for name, entry_point in ENTRY_POINTS.items()}
        self.people = stages.people(f"{kind}_")
        self._stages: dict[str, stages.Stage] = {}

    def stage(self, viewer: str) -> stages.Stage:
        """The chat in which a viewer acts, made when first needed; the same one for a group."""
        key = "" if self.kind == Chat.Kind.GROUP else viewer
        if key not in self._stages:
            make: Any = stages.direct if key else stages.group
            self._stages[key] = make(self.people, viewer) if key else make(self.people)
        return self._stages[key]

    def perform(self, entry_point: str, cell: Cell) -> tuple[str, Any]:
        """The outcome of a cell, and what it changed; nothing of it stays."""
        action, target, viewer = cell
        stage = self.stage(viewer)
        self.entry_points[entry_point].sign_in(stage, viewer)
        with undone():
            before, last = stage.snapshot(), stages.last_event_id()
            outcome = self.entry_points[entry_point].perform(stage, action, target, viewer)
            after, events = stage.snapshot(), stages.events_since(last)
        return outcome, (after if after != before else None, events)

    def differences(self, cells: Iterator[tuple[str, Cell]]) -> Iterator[str]:
        """A line for each cell that ends otherwise than the table says."""
        for entry_point, cell in cells:
            outcome, (changed, events) = self.perform(entry_point, cell)
            expected = self.table[cell]
            if outcome != expected:
                yield f"{self.kind} {cell} by {entry_point}: {outcome} instead of {expected}"
            elif outcome != OK and (changed or events):
                yield f"{self.kind} {cell} by {entry_point}: refused, but {changed} {events}"

    def cells(self, *, actions: set[str] | None = None) -> Iterator[tuple[str, Cell]]:
        """Every (entry point, cell), of some actions or of all."""
        for cell in self.table:
            for name, entry_point in ENTRY_POINTS.items():
                if cell[0] in entry_point.actions and (actions is None or cell[0] in actions):
                    yield name, cell
