"""PostgreSQL and Redis for `make run`, and temporary ones for tests and benchmarks."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from messenger.local.environment import read_dotenv
from messenger.local.folders import shared_temp
from messenger.local.postgres import Postgres
from messenger.local.redis import Redis

Service = Postgres | Redis


def embedded_services(folder: Path, *, database_url: str, redis_url: str) -> dict[str, Service]:
    """The servers to start, by the variable for their URL; none for a URL that is given."""
    services: dict[str, Service] = {}
    if not database_url:
        services["DATABASE_URL"] = Postgres(folder)
    if not redis_url:
        services["REDIS_URL"] = Redis(folder)
    return services


@contextmanager
def private_services() -> Iterator[dict[str, str]]:
    """Run servers in a temporary folder, removed at the end; yields DATABASE_URL and REDIS_URL.

    TEST_DATABASE_URL and TEST_REDIS_URL name servers to use instead.
    """
    read_dotenv()
    given = {
        "DATABASE_URL": os.environ.get("TEST_DATABASE_URL", ""),
        "REDIS_URL": os.environ.get("TEST_REDIS_URL", ""),
    }
    folder = Path(tempfile.mkdtemp(prefix="lumin-private-", dir=shared_temp()))
    urls = {name: url for name, url in given.items() if url}
    with ExitStack() as cleanup:
        cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
        services = embedded_services(
            folder, database_url=given["DATABASE_URL"], redis_url=given["REDIS_URL"]
        )
        for name, service in services.items():
            process = service.start()
            cleanup.callback(_end, service, process)
            urls[name] = service.url
        yield urls


def _end(service: Service, process: subprocess.Popen[bytes]) -> None:
    service.stop(process)
    service.discard()
