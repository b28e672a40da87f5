"""`messenger.serve` with a small application that echoes, to test the server alone."""

from __future__ import annotations

import asyncio
import sys
import types
from typing import Any

from messenger import serve

open_sockets: set[Any] = set()


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if scope["path"] == "/slow":
            await send({"type": "http.response.body", "body": b"begun ", "more_body": True})
            await asyncio.sleep(0.5)
        await send({"type": "http.response.body", "body": b"done"})
        return
    await receive()
    await send({"type": "websocket.accept"})
    open_sockets.add(send)
    while (event := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": str(len(event["text"]))})
    open_sockets.discard(send)


async def shutdown() -> None:
    for send in list(open_sockets):
        await send({"type": "websocket.close", "code": 1012})


for name, content in {
    "messenger.asgi": {"application": application},
    "messenger.gateway": {"shutdown": shutdown},
}.items():
    stand_in = types.ModuleType(name)
    vars(stand_in).update(content)
    sys.modules[name] = stand_in

serve.main()
