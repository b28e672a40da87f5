"""The gateway: the WebSocket entry point `/ws`. It imports the apps, and no app imports it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from messenger.gateway.hub import Hub

_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def current_hub() -> Hub:
    """The hub of the running event loop, created by the first call."""
    from django.conf import settings

    from messenger.core.live import publisher
    from messenger.gateway.hub import Hub

    loop = asyncio.get_running_loop()
    hub = _hubs.get(loop)
    if hub is None:
        hub = _hubs[loop] = Hub(
            publisher, settings.SOCKET_HEARTBEAT, settings.SOCKET_CONNECTIONS_PER_USER
        )
    return hub


async def shutdown() -> None:
    """Close this process' sockets with 1012, so that their clients reconnect to another one."""
    hub = _hubs.get(asyncio.get_running_loop())
    if hub is not None:
        await hub.shutdown()
