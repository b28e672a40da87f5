"""`docs/protocol.md`: the guide, then every frame with its fields and an example."""

from __future__ import annotations

import json
from collections.abc import Iterable
from string import Template
from typing import Any

from django.utils.translation import override

from messenger.core.socket import Command, InThread, ServerFrame
from messenger.gateway import close_codes, protocol
from messenger.gateway.commands import COMMANDS
from messenger.gateway.docs.guide import OPENING, numbers
from messenger.gateway.docs.schemas import parts, table


def page() -> str:
    """The whole page."""
    codes = {name.lower(): code for name, code in vars(close_codes).items() if name.isupper()}
    shapes = [*protocol.command_frames().values(), *protocol.FRAMES]
    with override("en"):
        sections = [
            Template(OPENING).substitute(codes | numbers()),
            "## Client → server\n",
            *(_command(command) for command in COMMANDS.values()),
            "## Server → client\n",
            *(_frame(frame) for frame in protocol.FRAMES),
            "## Objects within frames\n",
            *(f"### {part}\n\n{table(part)}\n" for part in _parts(s.__name__ for s in shapes)),
            _errors(),
            _close_codes(),
        ]
    return "\n".join(sections)


def _command(command: Command) -> str:
    codes = ", ".join(f"`{error.code}`" for error in command.refusals)
    answers = ", ".join(dict.fromkeys(f"`{one.wire_type()}`" for one in command.answers))
    lines = [f"Answer: {answers}." if answers else "Answer: none."]
    if codes:
        lines.append(f"Errors: {codes}.")
    mode = command.mode
    if mode.limit is not None:
        excess = " Further frames are ignored." if _drops_excess(command) else ""
        lines.append(f"Rate limit: {mode.limit}.{excess}")
    shape = protocol.command_frames()[command.name].__name__
    return _section(
        f"`{command.name}`", command.summary, shape, command.example_frame(), " ".join(lines)
    )


def _drops_excess(command: Command) -> bool:
    return isinstance(command.mode, InThread) and command.mode.drops_excess


def _frame(frame: type[ServerFrame]) -> str:
    answers = [
        name
        for name, command in COMMANDS.items()
        if frame in command.answers and "ref" in frame.model_fields
    ]
    title = f"`{frame.wire_type()}`" + "".join(f" of `{name}`" for name in answers)
    return _section(title, frame.__doc__ or "", frame.__name__, frame.example_frame())


def _section(title: str, summary: str, shape: str, example: dict[str, Any], after: str = "") -> str:
    text = json.dumps(example, ensure_ascii=False, indent=2)
    blocks = [f"### {title}", summary, after, table(shape), f"```json\n{text}\n```"]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _parts(names: Iterable[str]) -> list[str]:
    """The classes of nested objects, in the order of their first use."""
    found: dict[str, None] = {}
    waiting = list(names)
    for name in waiting:
        for part in parts(name):
            if part not in found:
                found[part] = None
                waiting.append(part)
    return list(found)


def _errors() -> str:
    common = ", ".join(f"`{error.code}`" for error in protocol.COMMON_ERRORS)
    rows = [
        f"| `{code}` | {error.status} | `{error.retry}` | {error.title} |"
        for code, error in sorted(protocol.all_errors().items())
    ]
    return "\n".join(
        [
            "## Errors\n",
            f"Any command can be answered with {common}, and with the errors that it names.\n",
            "| code | status | retry | title |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _close_codes() -> str:
    rows = [
        f"| {code} | {meaning.reason} | {meaning.action} |"
        for code, meaning in sorted(close_codes.MEANING.items())
    ]
    return "\n".join(
        ["## Close codes\n", "| code | reason | what a client does |", "|---|---|---|", *rows, ""]
    )
