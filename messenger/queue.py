"""The task queue's transport: kombu's for Redis, whose lost connection is said to be lost.

A channel that outlives its connection, since it holds tasks that are not acknowledged yet, fails in
kombu with an AttributeError, which no one expects: the worker ends. As the connection error that it
is, the worker connects anew. What it held is handed out again after the visibility timeout.
"""

from __future__ import annotations

from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis
from redis.exceptions import ConnectionError as ConnectionLost


class Channel(redis.Channel):  # type: ignore[misc]
    """A channel that knows when its connection has been given up."""

    def _connparams(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        if self.connection is None or self.connection.client is None:
            raise ConnectionLost("The connection of this channel is closed.")
        parameters: dict[str, Any] = super()._connparams(*args, **kwargs)
        return parameters


class Transport(redis.Transport):  # type: ignore[misc]
    """Celery's broker for `redis://` and `rediss://`."""

    Channel = Channel


def install() -> None:
    """Have kombu use it."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:Transport"
