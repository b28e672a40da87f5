"""The entry points of the authority matrix: each performs an action and says how it ended."""

from __future__ import annotations

import json
from collections.abc import Callable
from html import unescape
from typing import Any, ClassVar
from uuid import UUID, uuid4

from django.contrib.messages import get_messages
from django.test import Client as Browser

from apps.accounts.models import User
from apps.messages.commands.broker import commands_do
from messenger.core.brokers import Received
from messenger.core.errors import DomainError
from tests.authority.stage import Stage
from tests.conftest import Api
from tests.web import Client

OK = "ok"
TEXT = "hello"
NEW_TEXT = "edited"
TITLE = "New title"


def new_role(name: str) -> str:
    """The role that `set_role` gives the target."""
    return "member" if name == "admin" else "admin"


class Rest:
    """Requests of the REST API: action → (route's name, method, path, body)."""

    ROUTES: ClassVar = {
        "read": ("api:chat", "GET"),
        "read message": ("api:message", "GET"),
        "mark_read": ("api:chat-read", "POST"),
        "send": ("api:messages", "POST"),
        "edit": ("api:message", "PATCH"),
        "delete": ("api:message", "DELETE"),
        "update": ("api:chat", "PATCH"),
        "add": ("api:participants", "POST"),
        "remove": ("api:participant", "DELETE"),
        "set_role": ("api:participant", "PATCH"),
        "leave": ("api:participant", "DELETE"),
        "delete_chat": ("api:chat", "DELETE"),
    }
    actions = frozenset(ROUTES) - {"read message"}

    def __init__(self) -> None:
        self._clients: dict[str, Api] = {}

    def sign_in(self, stage: Stage, viewer: str) -> None:
        """Open the viewer's login session, unless there is one."""
        if viewer not in self._clients:
            self._clients[viewer] = Api(raise_request_exception=False)
            self._clients[viewer].sign_in(stage.people[viewer])

    def perform(self, stage: Stage, action: str, target: str, viewer: str) -> str:
        """`ok`, or the problem's code."""
        path, body = self.request(stage, action, target, viewer)
        key = "read message" if action == "read" and target != "chat" else action
        return self.outcome(viewer, self.ROUTES[key][1], path, body)

    def outcome(
        self, viewer: str, method: str, path: str, body: dict[str, Any] | None = None
    ) -> str:
        """`ok`, or the problem's code, of one request."""
        answer = getattr(self._clients[viewer], method.lower())(path, body)
        return OK if answer.status_code < 300 else answer.json()["code"]

    def request(
        self, stage: Stage, action: str, target: str, viewer: str
    ) -> tuple[str, dict[str, Any] | None]:
        """Path and body."""
        chat, message = f"/chats/{stage.chat.id}", stage.messages.get((viewer, target))
        if message is not None:
            return f"/messages/{message}", {"text": NEW_TEXT} if action == "edit" else None
        if action == "send":
            return "/messages", {"chat_id": str(stage.chat.id), "text": TEXT}
        if action == "mark_read":
            return f"{chat}/read", {"seq": stage.chat.last_seq}
        if action == "add":
            return f"{chat}/participants", {"user_ids": [str(stage.people[target].id)]}
        if action in ("remove", "set_role", "leave"):
            person = stage.people[viewer] if action == "leave" else stage.target(viewer, target)
            body = {"role": new_role(target)} if action == "set_role" else None
            return f"{chat}/participants/{person.id}", body
        return chat, {"title": TITLE} if action == "update" else None


class RestReads:
    """The other routes that read a chat or one message: all of them are asked, and must agree."""

    CHAT: ClassVar = {
        "api:participants": "/chats/{chat}/participants",
        "api:messages": "/messages?chat_id={chat}",
    }
    MESSAGE: ClassVar = {
        "api:message-receipts": "/messages/{message}/receipts",
        "api:message-history": "/messages/{message}/history",
        "api:message-read": "/messages/{message}/read",
    }
    actions = frozenset({"read"})

    def __init__(self) -> None:
        self._rest = Rest()

    def sign_in(self, stage: Stage, viewer: str) -> None:
        """Open the viewer's login session, unless there is one."""
        self._rest.sign_in(stage, viewer)

    def perform(self, stage: Stage, action: str, target: str, viewer: str) -> str:
        """The one outcome of all these routes, or all outcomes where they differ."""
        message = stage.messages.get((viewer, target))
        paths = self.CHAT if message is None else self.MESSAGE
        outcomes = {
            name: self._rest.outcome(
                viewer,
                "POST" if name == "api:message-read" else "GET",
                path.format(chat=stage.chat.id, message=message),
            )
            for name, path in paths.items()
        }
        return outcomes.popitem()[1] if len(set(outcomes.values())) == 1 else str(outcomes)


class Page:
    """Forms of the pages: action → (route's name, path after the chat's address)."""

    ROUTES: ClassVar = {
        "read": ("conversation", ""),
        "read message": ("message-page", ""),
        "mark_read": ("seen", "seen/"),
        "send": ("message-send", "send/"),
        "edit": ("message-edit", "edit/"),
        "delete": ("message-delete", "delete/"),
        "update": ("group-update", "update/"),
        "add": ("members-add", "members/add/"),
        "remove": ("member-remove", "members/remove/"),
        "set_role": ("member-role", "members/role/"),
        "leave": ("group-leave", "leave/"),
        "delete_chat": ("group-delete", "delete/"),
    }
    actions = frozenset(ROUTES) - {"read message"}

    def __init__(self) -> None:
        self._browsers: dict[str, Browser] = {}

    def sign_in(self, stage: Stage, viewer: str) -> None:
        """Open the viewer's browser session, unless there is one."""
        if viewer not in self._browsers:
            self._browsers[viewer] = Browser(raise_request_exception=False)
            self._browsers[viewer].force_login(stage.people[viewer])
            self._browsers[viewer].get("/")

    def perform(self, stage: Stage, action: str, target: str, viewer: str) -> str:
        """`ok`, or the code of the error whose text the page shows."""
        browser, path = self._browsers[viewer], f"/chats/{stage.chat.id}/"
        browser.cookies.pop("messages", None)  # the notice of the cell before
        message = stage.messages.get((viewer, target))
        if message is not None:
            path += f"messages/{message}/"
        if action == "read":
            answer = browser.get(path)
        elif action == "mark_read":
            answer = browser.get(f"{path}seen/", {"seq": stage.chat.last_seq})
        else:
            form = self.form(stage, action, target, viewer)
            answer = browser.post(path + self.ROUTES[action][1], form)
        return "not_found" if answer.status_code == 404 else shown_refusal(answer)

    def form(self, stage: Stage, action: str, target: str, viewer: str) -> dict[str, Any]:
        """The form's fields."""
        if action == "send":
            return {"text": TEXT, "message_id": str(uuid4())}
        if action == "edit":
            return {"text": NEW_TEXT}
        if action == "update":
            return {"title": TITLE, "description": ""}
        if action == "add":
            return {"member_ids": [str(stage.people[target].id)]}
        if action in ("remove", "set_role"):
            form = {"user_id": str(stage.target(viewer, target).id)}
            return {**form, "role": new_role(target)} if action == "set_role" else form
        return {}


def shown_refusal(answer: Any) -> str:
    """The code of the error that a page shows, or that its redirect will show; `ok` without one."""
    if "html" not in answer["Content-Type"]:
        return OK
    if answer.status_code >= 400:
        text = unescape(answer.content.decode())
    else:
        text = "\n".join(str(notice) for notice in get_messages(answer.wsgi_request))
    return next((code for title, code in TITLES.items() if title in text), OK)


def _all_errors(base: type[DomainError] = DomainError) -> list[type[DomainError]]:
    return [base, *(found for one in base.__subclasses__() for found in _all_errors(one))]


TITLES = {str(error.title): error.code for error in _all_errors()}


class Broker:
    """Commands from a message broker: action → topic."""

    TOPICS: ClassVar = {
        "send": "message.send",
        "edit": "message.edit",
        "delete": "message.delete",
        "mark_read": "message.read",
    }
    actions = frozenset(TOPICS)

    def sign_in(self, stage: Stage, viewer: str) -> None:
        """A broker's commands name their actor."""

    def perform(self, stage: Stage, action: str, target: str, viewer: str) -> str:
        """`ok`, or the code with which the command would become a dead letter."""
        topic = self.TOPICS[action]
        envelope = {
            "event_id": str(uuid4()),
            "event_type": topic,
            "payload": self.payload(stage, action, target, viewer),
            "metadata": {"actor_id": str(stage.people[viewer].id)},
        }
        refused = commands_do([Received(topic, "", json.dumps(envelope).encode())])
        return refused[0][1].partition(":")[0] if refused else OK

    def payload(self, stage: Stage, action: str, target: str, viewer: str) -> dict[str, Any]:
        """The command's payload."""
        chat, message = str(stage.chat.id), str(stage.messages.get((viewer, target)))
        if action == "send":
            return {"chat_id": chat, "text": TEXT}
        if action == "mark_read":
            return {"chat_id": chat, "seq": stage.chat.last_seq}
        return {"message_id": message, **({"text": NEW_TEXT} if action == "edit" else {})}


class Socket:
    """Frames on a real socket: action → command. `type` and `mark_read` answer only refusals.

    `marker` is a chat of everybody: a message there, sent after a frame, arrives after its effects.
    """

    COMMANDS: ClassVar = {
        "send": "message",
        "edit": "edit_message",
        "delete": "delete_message",
        "mark_read": "read",
        "type": "typing",
    }
    actions = frozenset(COMMANDS)

    def __init__(self, join: Callable[[User], Client], marker: UUID) -> None:
        self._join, self._marker = join, marker
        self._sockets: dict[str, Client] = {}

    def socket(self, stage: Stage, name: str) -> Client:
        """The person's socket; opened when first needed."""
        if name not in self._sockets:
            self._sockets[name] = self._join(stage.people[name])
        self._sockets[name].seen.clear()
        return self._sockets[name]

    def read_all(self) -> None:
        """Take what has arrived at all sockets: the server stops sending to silent readers."""
        for one in self._sockets.values():
            one.drain()

    def perform(self, stage: Stage, action: str, target: str, viewer: str) -> str:
        """`ok`, the error frame's code, or `dropped` for a typing frame that is not delivered."""
        self.read_all()
        socket = self.socket(stage, viewer)
        if action == "type":
            return self._type(stage, socket, viewer)
        if action == "mark_read":
            return self._mark_read(stage, socket)
        message_id = stage.messages.get((viewer, target)) or uuid4()
        fields: dict[str, Any] = {"message_id": message_id}
        if action == "send":
            fields |= {"chat_id": stage.chat.id, "text": TEXT}
        elif action == "edit":
            fields |= {"text": NEW_TEXT}
        answer = socket.ask(self.COMMANDS[action], **fields)
        return OK if answer["type"] == "ack" else answer["code"]

    def _mark_read(self, stage: Stage, socket: Client) -> str:
        """Receipts of one socket keep their order: a refused one behind it marks the end."""
        items = [{"chat_id": stage.chat.id, "seq": stage.chat.last_seq}]
        socket.send("read", ref="mine", items=items)
        assert socket.ask("read", items=[{"chat_id": uuid4(), "seq": 1}])["code"] == "not_found"
        return refusal_of("mine", socket)

    def _type(self, stage: Stage, socket: Client, viewer: str) -> str:
        present = {row.user_id for row in stage.chat.participants.active()}
        others = ("other", "owner", "admin")
        name = next(one for one in others if one != viewer and stage.people[one].id in present)
        witness = self.socket(stage, name)
        socket.send("typing", ref="mine", chat_id=stage.chat.id)
        marker = socket.say(self._marker, "marker")
        witness.wait("message", id=marker["message_id"])
        refusal = refusal_of("mine", socket)
        frames = [one for one in witness.seen if one["type"] == "typing"]
        typists = [one["user_id"] for one in frames if one["chat_id"] == str(stage.chat.id)]
        assert typists in ([], [str(stage.people[viewer].id)])
        if refusal != OK:
            assert typists == []
            return refusal
        return OK if typists else "dropped"


def refusal_of(ref: str, socket: Client) -> str:
    """The code of the error that answered a frame, among the frames seen so far."""
    return next((one["code"] for one in socket.seen if one.get("ref") == ref), OK)
