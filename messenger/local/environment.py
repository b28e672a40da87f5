"""Settings of a local start, from environment variables and `.env`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import environ

from messenger.local.errors import LocalError

PROJECT = Path(__file__).resolve().parent.parent.parent
WEB_SERVERS = ("daphne", "uvicorn")
YES = {"1", "true", "yes", "on"}


@dataclass(frozen=True)
class Environment:
    """The supervisor's settings; child processes inherit all other variables unchanged."""

    host: str
    port: int
    data: Path
    web_processes: int
    database_url: str
    redis_url: str
    consumes_commands: bool


def read_dotenv() -> None:
    """Add the variables of `.env` to the environment. Existing variables win."""
    environ.Env.read_env(PROJECT / ".env")


def read_environment() -> Environment:
    """Read `.env` and the environment, which wins. Raises LocalError naming a bad variable."""
    read_dotenv()
    if os.environ.get("WEB_SERVER", WEB_SERVERS[0]) not in WEB_SERVERS:
        raise LocalError(f"WEB_SERVER must be one of {', '.join(WEB_SERVERS)}.")
    return Environment(
        host=os.environ.get("HOST") or "127.0.0.1",
        port=_number("PORT", default=8000, least=0, most=65535),
        data=Path(os.environ.get("MESSENGER_DATA") or PROJECT / "var").expanduser().absolute(),
        web_processes=_number("WEB_PROCESSES", default=1, least=1, most=64),
        database_url=os.environ.get("DATABASE_URL", ""),
        redis_url=os.environ.get("REDIS_URL", ""),
        consumes_commands=os.environ.get("CONSUME_COMMANDS", "").lower() in YES,
    )


def _number(name: str, *, default: int, least: int, most: int) -> int:
    text = os.environ.get(name) or str(default)
    if not text.isdecimal() or not least <= int(text) <= most:
        raise LocalError(f"{name} must be a whole number from {least} to {most}, not {text!r}.")
    return int(text)
