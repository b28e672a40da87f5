"""The ASGI application for WebSockets: `/ws` is the only one."""

from __future__ import annotations

from typing import Any

from messenger.gateway.consumer import GatewayConsumer

_consumer = GatewayConsumer.as_asgi()


async def websocket_application(scope: Any, receive: Any, send: Any) -> None:
    """Route `/ws` and `/ws/`; anything else is refused before the handshake."""
    if scope["path"].rstrip("/") == "/ws":
        await _consumer(scope, receive, send)
    else:
        await receive()
        await send({"type": "websocket.close", "code": 4404})
