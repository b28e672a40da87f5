"""Is it alive, is it ready: for load balancers, probes and people on call."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from redis.exceptions import RedisError

from messenger.core.json import dumps_bytes
from messenger.core.logging import SERVICE
from messenger.core.redis import client


def health(request: HttpRequest) -> HttpResponse:
    """Alive: the process answers."""
    from messenger import __version__

    return _json({"status": "healthy", "service": SERVICE, "version": __version__})


def ready(request: HttpRequest) -> HttpResponse:
    """Ready: 503 only where the database is out; `degraded` where something else is."""
    components = {
        "database": _probe(_ask_database, DatabaseError),
        "redis": _probe(lambda: client().ping(), RedisError),
    }
    if components["database"]["status"] == "down":
        return _json({"status": "unavailable", "components": components}, status=503)
    down = any(component["status"] == "down" for component in components.values())
    return _json({"status": "degraded" if down else "ready", "components": components})


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _probe(ask: Callable[[], Any], expected: type[Exception]) -> dict[str, Any]:
    started = time.perf_counter()
    try:
        ask()
        status = "up"
    except expected:
        status = "down"
    return {"status": status, "ms": round((time.perf_counter() - started) * 1000, 1)}


def _json(body: dict[str, Any], status: int = 200) -> HttpResponse:
    return HttpResponse(dumps_bytes(body), status=status, content_type="application/json")
