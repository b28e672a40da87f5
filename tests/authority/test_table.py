"""Who may do what, by every entry point: the product compared with one hand-written table.

The cells are generated: every viewer, action and object of the table, for each kind of chat that
has a policy, through each entry point that offers the action. An allowed action has the same
effect through each of them, in rows and events; a refused one has none.
"""

from __future__ import annotations

import pytest

from apps.chats.models import Chat
from apps.chats.rules import POLICIES, Action, Standing, refusal_to
from apps.messages.commands.broker import SHAPES
from apps.messages.rules import MESSAGE_POLICY, MessageAction
from messenger.gateway.commands import COMMANDS
from messenger.permission_table import CHATS, MESSAGES, PAGES
from tests.authority.entry_points import OK, Broker, Page, Rest, RestReads, Socket
from tests.authority.matrix import ASKS, ENTRY_POINTS, Matrix
from tests.authority.table import TABLES


@pytest.mark.parametrize("kind", sorted(POLICIES))
def test_every_entry_point_but_the_socket_agrees_with_the_table(kind, db, no_limits):
    matrix = Matrix(kind)
    cells = list(matrix.cells())
    print(f"{kind}: {len(cells)} cells by {', '.join(ENTRY_POINTS)}")
    assert list(matrix.differences(iter(cells))) == []


@pytest.mark.parametrize("kind", sorted(POLICIES))
def test_an_allowed_action_has_one_effect_by_all_entry_points(kind, db, no_limits):
    matrix, different = Matrix(kind), []
    for cell, expected in matrix.table.items():
        if expected != OK or cell[0] == "read":
            continue
        entry_points = [
            name for name, entry_point in ENTRY_POINTS.items() if cell[0] in entry_point.actions
        ]
        effects = {name: matrix.perform(name, cell)[1] for name in entry_points}
        first = next(iter(effects.values()), None)
        if any(effect != first for effect in effects.values()):
            different.append((cell, effects))
        silent = cell[0] == "mark_read" and cell[2] == "blocker"  # receipts would show presence
        if any(effect == (None, []) for effect in effects.values()) and not silent:
            different.append((cell, "no effect"))
    assert different == []


def test_every_action_of_the_policies_is_in_the_table():
    for kind, policy in POLICIES.items():
        assert set(policy) == set(Action)
        names = {cell[0] for cell in TABLES[kind]}
        asked = {one for name in names for one in ASKS.get(name) or {Action(name)}}
        assert asked == {*Action, *MessageAction}, kind
    assert set(MESSAGE_POLICY) == set(MessageAction)
    assert set(TABLES) == set(POLICIES) == set(Chat.Kind.values)


READ_METHOD = {"api:message-read": "POST"}
# Routes of chats and messages that the matrix leaves out, and why.
BESIDE = {
    ("api:chats", "GET"): "a list of one's own chats",
    ("api:chats", "POST"): "makes a chat; tests/chats/test_direct.py, test_groups.py",
    ("api:chat-preferences", "PATCH"): "one's own row",
}


def test_every_rest_route_of_chats_and_messages_is_covered():
    routes = {(name, method) for name, ways in {**CHATS, **MESSAGES}.items() for method in ways}
    reads = {name for names in (RestReads.CHAT, RestReads.MESSAGE) for name in names}
    covered = set(Rest.ROUTES.values()) | {(name, READ_METHOD.get(name, "GET")) for name in reads}
    assert routes == covered | BESIDE.keys()


PAGES_BESIDE = {
    *("inbox", "notifications", "notifications-read", "chat-details"),  # one's own lists
    *("chat-new", "chat-open", "group-new", "group-search", "group-create"),  # make chats
    *("chat-pin", "chat-archive", "chat-notify", "chat-mute"),  # one's own row
    *("chat-block", "chat-unblock"),  # about a person, not a chat
}


def test_every_page_action_of_chats_and_messages_is_covered():
    covered = {name for name, _ in Page.ROUTES.values()}
    assert PAGES.keys() == covered | PAGES_BESIDE


# Commands that the matrix leaves out, and why.
SOCKET_BESIDE = {
    "delivered": "the cursor beside that of `read`, in the same statement",
    "sync": "reads one's own chats only; others are ignored (tests/gateway/test_replay.py)",
    "pong": "about the connection",
    "authenticate": "about the connection",
}


def test_every_topic_and_command_is_covered():
    assert set(Broker.TOPICS.values()) == set(SHAPES)
    assert COMMANDS.keys() == set(Socket.COMMANDS.values()) | SOCKET_BESIDE.keys()


def test_conditions_without_entry_are_denied(db):
    chat = Chat(kind="unknown")
    with pytest.raises(KeyError):
        refusal_to(Action.READ, Standing(chat, chat.id, None))
