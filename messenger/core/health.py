"""Liveness and readiness, for load balancers and monitoring."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from redis.exceptions import RedisError

from messenger.core.json import dumps_bytes
from messenger.core.logging import SERVICE
from messenger.core.outbox import outbox_lag
from messenger.core.redis import client

WORKER, BROKER = "health:worker", "health:broker"
REPORT_SECONDS = 60  # how long a report of a worker or the broker is valid; renewed every 5
LATE_SECONDS = 60


def health(request: HttpRequest) -> HttpResponse:
    """Liveness: the process answers."""
    from messenger import __version__

    return _json({"status": "healthy", "service": SERVICE, "version": __version__})


def ready(request: HttpRequest) -> HttpResponse:
    """Readiness: 503 only without the database; `degraded` while another service is unavailable."""
    components = {"database": _probe(_ask_database, DatabaseError)}
    if components["database"]["status"] == "down":
        return _json({"status": "unavailable", "components": components}, status=503)
    components["outbox"] = _outbox()
    components["redis"] = _probe(client().ping, RedisError)
    reports = _reports() if components["redis"]["status"] == "up" else {}
    components["workers"] = {"status": "up" if WORKER in reports else "down"}
    components["broker"] = {"status": reports.get(BROKER, "unknown")}
    is_well = all(component["status"] == "up" for component in components.values())
    return _json({"status": "ready" if is_well else "degraded", "components": components})


def report_worker() -> None:
    """Report that a worker runs the tasks of beat. Raises `RedisError`."""
    client().set(WORKER, "up", ex=REPORT_SECONDS)


def report_broker(*, is_up: bool) -> None:
    """Report whether the broker accepts events. Raises `RedisError`."""
    client().set(BROKER, "up" if is_up else "down", ex=REPORT_SECONDS)


def _reports() -> dict[str, str]:
    try:
        values: Any = client().mget(WORKER, BROKER)
    except RedisError:
        return {}
    return {
        key: value.decode() for key, value in zip((WORKER, BROKER), values, strict=True) if value
    }


def _outbox() -> dict[str, Any]:
    lag = outbox_lag()
    return {
        "status": "up" if lag.oldest_seconds < LATE_SECONDS else "late",
        "waiting": lag.waiting,
        "oldest_seconds": round(lag.oldest_seconds, 1),
        "refused": lag.refused,
    }


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
