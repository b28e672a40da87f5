"""Kombu's Redis transport for the task queue, with a fix for lost connections.

In kombu a channel with unacknowledged tasks outlives its connection and then raises AttributeError,
which ends the worker. Here it raises a connection error, so the worker reconnects. Redis redelivers
the unacknowledged tasks after the visibility timeout.
"""

from __future__ import annotations

from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis
from redis.exceptions import ConnectionError as ConnectionLost


class Channel(redis.Channel):  # type: ignore[misc]
    """Raises a connection error after its connection was closed."""

    def _connparams(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        if self.connection is None or self.connection.client is None:
            raise ConnectionLost("The connection of this channel is closed.")
        parameters: dict[str, Any] = super()._connparams(*args, **kwargs)
        return parameters


class Transport(redis.Transport):  # type: ignore[misc]
    """The transport for `redis://` and `rediss://`."""

    Channel = Channel


def install() -> None:
    """Register the transport with kombu. Called before the Celery application is made."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:Transport"
