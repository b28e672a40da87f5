"""The declarations of the WebSocket protocol: commands from clients, and frames of the server.

An app declares its commands in `commands` and its frames in `services/frames.py`. Dispatch, the
permission check, the protocol's documents and the completeness tests derive from them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, get_args

from pydantic import Field

from messenger.core.actors import Actor
from messenger.core.errors import DomainError, LimitExceeded
from messenger.core.examples import REF
from messenger.core.group_commit import GroupCommit
from messenger.core.permissions import Who
from messenger.core.shapes import Input, Output
from messenger.core.throttles import Key, Limit

REF_LIMIT = 128
# Python looks up an enum's member in 0.1 µs, too long for every frame.
ANYONE, USER, STAFF = Who.ANYONE, Who.USER, Who.STAFF
Refusal = type[DomainError] | DomainError


def _without_default(schema: dict[str, Any]) -> None:
    """`ref` is left out where there is none: the schema shows no default."""
    schema.pop("default", None)


Ref = Annotated[
    str,
    Field(
        max_length=REF_LIMIT,
        description="Any short string; the answer to the frame repeats it.",
        json_schema_extra=_without_default,
    ),
]


# --- Frames that the server sends ---------------------------------------------------------------

_frames: list[type[ServerFrame]] = []


class ServerFrame(Output):
    """A frame that the server sends; has a docstring, `type: Literal["…"]` and an `example`.

    Senders build plain dicts, because validation costs more than the frame. Tests validate every
    frame that they receive with these classes.
    """

    example: ClassVar[dict[str, Any]]  # without `type`

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        if not {"__doc__", "example"} <= cls.__dict__.keys() or "type" not in cls.model_fields:
            raise TypeError(f"{cls.__name__} needs a docstring, a type and an example")
        _frames.append(cls)

    @classmethod
    def wire_type(cls) -> str:
        """The value of `type`."""
        name: str = get_args(cls.model_fields["type"].annotation)[0]
        return name

    @classmethod
    def example_frame(cls) -> dict[str, Any]:
        """The example as it is sent."""
        return {"type": cls.wire_type(), **cls.example}


def frame_classes() -> list[type[ServerFrame]]:
    """Every frame of every imported app, by `type` and then by name."""
    return sorted(_frames, key=lambda frame: (frame.wire_type(), frame.__name__))


# --- Commands that clients send -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Batched:
    """Execution mode: the requests of many sockets share one transaction of `lane`.

    `requests(actor, data)` turns a frame into the lane's requests. `reply(outcome)` builds the
    answer; without it, success is not answered. The lane takes the tokens of its rate limit.
    """

    lane: GroupCommit[Any]
    requests: Callable[[Actor, Any], list[Any]]
    reply: Callable[[Any], dict[str, Any]] | None = None

    @property
    def limit(self) -> Limit | None:
        return self.lane.limit


@dataclass(frozen=True, slots=True)
class InThread:
    """Execution mode: `handle(actor, data)` runs in a thread and returns a frame, or None.

    `drops_excess`: a frame over the rate limit is ignored instead of refused.
    """

    handle: Callable[[Actor, Any], dict[str, Any] | None]
    limit: Limit | None = None
    drops_excess: bool = False

    def run(self, actor: Actor, data: Any) -> dict[str, Any] | None:
        """Take a token, then handle the frame. Raises what the handler does, `LimitExceeded`."""
        if self.limit is not None:
            key = _bucket(self.limit, actor, data)
            if not self.drops_excess:
                self.limit.take(key)
            elif not self.limit.take_many({key: 1})[key][0]:
                return None
        return self.handle(actor, data)


@dataclass(frozen=True, slots=True)
class Streamed:
    """Execution mode: `handle(actor, data)` yields pages of encoded frames, read on demand.

    The last frame of the last page is the answer.
    """

    handle: Callable[[Actor, Any], Iterator[list[str]]]
    limit: ClassVar[None] = None  # the number of unfinished streams of a connection is bounded


@dataclass(frozen=True, slots=True)
class OnConnection:
    """Execution mode: `handle(connection, data)` changes the connection itself; no answer."""

    handle: Callable[[Any, Any], Awaitable[None]]
    limit: ClassVar[None] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """The declaration of a command; `errors` adds to those that every command can raise."""

    name: str
    shape: type[Input]
    mode: Batched | InThread | Streamed | OnConnection
    who: Who
    summary: str
    example: dict[str, Any]  # without `type`
    answers: tuple[type[ServerFrame], ...] = ()
    errors: tuple[Refusal, ...] = ()

    def admits(self, actor: Actor) -> bool:
        """Whether this person may send the command at all; denied unless `who` grants it."""
        if self.who is USER or self.who is ANYONE:
            return True
        return self.who is STAFF and actor.is_staff

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """`errors`, and `LimitExceeded` where the mode can be over a limit."""
        mode = self.mode
        is_limited = not isinstance(mode, OnConnection) and not (
            isinstance(mode, InThread) and (mode.limit is None or mode.drops_excess)
        )
        return (*self.errors, LimitExceeded) if is_limited else self.errors

    def example_frame(self) -> dict[str, Any]:
        """The example as a client sends it; with a `ref` where success is answered."""
        ref = {"ref": REF} if any("ref" in one.model_fields for one in self.answers) else {}
        return {"type": self.name, **ref, **self.example}


def commands_by_name(*groups: tuple[Command, ...]) -> dict[str, Command]:
    """The commands of several modules by their names. Raises `ValueError` if a name is taken."""
    found: dict[str, Command] = {}
    for command in (one for group in groups for one in group):
        if command.name in found:
            raise ValueError(f"two commands are named {command.name!r}")
        found[command.name] = command
    return found


def _bucket(limit: Limit, actor: Actor, data: Any) -> str:
    """The key of the bucket that a frame takes its token from."""
    if limit.key is Key.USER_AND_CHAT:
        return f"{actor.user_id}:{data.chat_id}"
    if limit.key is Key.USER:
        return str(actor.user_id)
    raise ValueError(f"a socket command has no {limit.key.value}")
