"""`/metrics` for Prometheus: counters of the web processes, and gauges that all processes share.

Several web processes share one address. Each writes its counters to files in
`PROMETHEUS_MULTIPROC_DIR`, and the one that answers adds them up. Figures about workers come from
the database and Redis, because workers have no address that could be scraped.
"""

from __future__ import annotations

import hmac
import ipaddress
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from redis.exceptions import RedisError

from messenger.core.models import FailedTask
from messenger.core.outbox import outbox_lag
from messenger.core.redis import breaker, client

FOLDER = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")
PUBLISHED = "metrics:relay_published"  # key in Redis; a counter may restart at 0

requests = Counter("lumin_http_requests", "Answered requests.", ["route", "method", "status"])
request_seconds = Histogram(
    "lumin_http_request_seconds", "Duration of requests.", ["route", "method"]
)
socket_connections = Gauge("lumin_socket_connections", "Open sockets.", multiprocess_mode="livesum")
messages_sent = Counter("lumin_messages_sent", "Stored messages.")


def metrics(request: HttpRequest) -> HttpResponse:
    """For callers with `METRICS_TOKEN`, or local callers if it is empty; 404 for others."""
    if not _may_see(request):
        raise Http404
    shared = CollectorRegistry()
    shared.register(Shared())
    if FOLDER:
        _remove_dead_processes(Path(FOLDER))
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry = REGISTRY
    body = generate_latest(registry) + generate_latest(shared)
    return HttpResponse(body, content_type=CONTENT_TYPE_LATEST)


class Shared:
    """Metrics that do not depend on the process that answers."""

    def collect(self) -> Iterator[Metric]:
        lag = outbox_lag()
        failed = FailedTask.objects.filter(replayed_at=None)[:10_000].count()
        for name, description, value in (
            (
                "lumin_outbox_waiting",
                "Events that wait for the relay; at most 10000 are counted.",
                lag.waiting,
            ),
            ("lumin_outbox_oldest_seconds", "Age of the oldest of them.", lag.oldest_seconds),
            ("lumin_outbox_refused", "Events that the broker refused permanently.", lag.refused),
            ("lumin_failed_tasks", "Tasks that failed permanently and wait for staff.", failed),
        ):
            yield GaugeMetricFamily(name, description, value=value)
        yield CounterMetricFamily(
            "lumin_relay_published", "Events that the broker has confirmed.", value=_published()
        )

    def describe(self) -> list[Metric]:
        return []


def relay_published(count: int) -> None:
    """Count published events. Raises `RedisError`."""
    client().incrby(PUBLISHED, count)


def _published() -> int:
    if not breaker.closed:
        return 0
    try:
        value = client().get(PUBLISHED)
        breaker.succeeded()
    except RedisError:
        breaker.failed()
        return 0
    return int(value or 0)


def _may_see(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {settings.METRICS_TOKEN}".encode())
    # A proxy on this machine has a local address as well.
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def _remove_dead_processes(folder: Path) -> None:
    """Remove the gauges of processes that have ended; their counters stay."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            with suppress(FileNotFoundError):  # another process removed it first
                mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]
        except PermissionError:
            continue
