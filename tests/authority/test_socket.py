"""Who may do what on the socket: the same table, with frames on a real one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from apps.accounts.services.login import device_sign_in
from apps.chats.models import Chat
from apps.chats.rules import POLICIES
from apps.chats.services.groups import group_create
from tests.authority import stage as stages
from tests.authority.entry_points import OK, Socket
from tests.authority.table import TABLES
from tests.conftest import DEVICE
from tests.web import Client, WebProcess


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

    socket = Socket(join, marker.id)
    try:
        differences = [
            line for kind in sorted(POLICIES) for line in _differences(kind, cast, socket)
        ]
    finally:
        for client in clients:
            client.close()
    assert differences == []


def _differences(kind: str, cast: Any, socket: Socket) -> Iterator[str]:
    """As `Matrix.differences`; what was changed stays, so each allowed cell gets a new chat."""
    stage, staged_for = None, ""
    cells = [(cell, outcome) for cell, outcome in TABLES[kind].items() if cell[0] in socket.actions]
    print(f"{kind}: {len(cells)} cells by socket")
    for cell, expected in sorted(cells, key=lambda one: one[0][2]):
        action, target, viewer = cell
        if stage is None or (kind == Chat.Kind.DIRECT and staged_for != viewer):
            stage, staged_for = _new_stage(kind, cast, viewer), viewer
        before, last = stage.snapshot(), stages.last_event_id()
        outcome = socket.perform(stage, action, target, viewer)
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
