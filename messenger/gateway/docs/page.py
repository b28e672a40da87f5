"""`docs/protocol.md`: the prose, then every frame with its fields and an example."""

from __future__ import annotations

import json
from collections.abc import Iterable
from string import Template
from typing import Any

from django.utils.translation import override

from messenger.core.shapes import Output
from messenger.gateway import close_codes, protocol
from messenger.gateway.docs.guide import OPENING, numbers
from messenger.gateway.docs.schemas import parts, table
from messenger.gateway.protocol import examples


def page() -> str:
    """The whole page."""
    codes = {name.lower(): code for name, code in vars(close_codes).items() if name.isupper()}
    shapes = [*protocol.command_frames().values(), *protocol.FRAMES]
    with override("en"):
        sections = [
            Template(OPENING).substitute(codes | numbers()),
            "## Client → server\n",
            *(_command(name) for name in protocol.command_frames()),
            "## Server → client\n",
            *(_frame(frame) for frame in protocol.FRAMES),
            "## What frames are made of\n",
            *(f"### {part}\n\n{table(part)}\n" for part in _parts(s.__name__ for s in shapes)),
            _errors(),
            _close_codes(),
        ]
    return "\n".join(sections)


def _command(name: str) -> str:
    exchange = protocol.EXCHANGES[name]
    codes = ", ".join(f"`{error.code}`" for error in exchange.errors)
    answers = ", ".join(dict.fromkeys(f"`{protocol.type_of(one)}`" for one in exchange.answers))
    lines = [f"Answer: {answers}." if answers else "Answer: none."]
    if codes:
        lines.append(f"Its own errors: {codes}.")
    shape = protocol.command_frames()[name].__name__
    return _section(f"`{name}`", exchange.says, shape, examples.COMMANDS[name], " ".join(lines))


def _frame(frame: type[Output]) -> str:
    answers = [
        name
        for name, exchange in protocol.EXCHANGES.items()
        if frame in exchange.answers and "ref" in frame.model_fields
    ]
    title = f"`{protocol.type_of(frame)}`" + "".join(f" of `{name}`" for name in answers)
    return _section(title, frame.__doc__ or "", frame.__name__, examples.FRAMES[frame])


def _section(title: str, says: str, shape: str, example: dict[str, Any], after: str = "") -> str:
    text = json.dumps(example, ensure_ascii=False, indent=2)
    blocks = [f"### {title}", says, after, table(shape), f"```json\n{text}\n```"]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _parts(names: Iterable[str]) -> list[str]:
    """The classes within classes, in the order of their first mention."""
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
            f"Any command can be answered with {common}, and with those that are named there.\n",
            "| code | status | retry | title |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _close_codes() -> str:
    rows = [
        f"| {code} | {meaning.says} | {meaning.then} |"
        for code, meaning in sorted(close_codes.MEANING.items())
    ]
    return "\n".join(["## Close codes\n", "| code | because | then |", "|---|---|---|", *rows, ""])
