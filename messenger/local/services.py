"""PostgreSQL and Redis together: those of a run, and throw-away ones for tests and benches."""

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
    """What has to be run here, by the variable that will name it; a URL given spares its server."""
    services: dict[str, Service] = {}
    if not database_url:
        services["DATABASE_URL"] = Postgres(folder)
    if not redis_url:
        services["REDIS_URL"] = Redis(folder)
    return services


@contextmanager
def private_services() -> Iterator[dict[str, str]]:
    """Servers in a temporary folder, gone at the end; yields DATABASE_URL and REDIS_URL.

    TEST_DATABASE_URL and TEST_REDIS_URL name servers to use instead.
    """
    read_dotenv()
    given = {
        "DATABASE_URL": os.environ.get("TEST_DATABASE_URL", ""),
        "REDIS_URL": os.environ.get("TEST_REDIS_URL", ""),
    }
    folder = Path(tempfile.mkdtemp(prefix="lumin-private-", dir=shared_temp()))
    urls = {name: url for name, url in given.items() if url}
    with ExitStack() as at_the_end:
        at_the_end.callback(shutil.rmtree, folder, ignore_errors=True)
        services = embedded_services(
            folder, database_url=given["DATABASE_URL"], redis_url=given["REDIS_URL"]
        )
        for name, service in services.items():
            process = service.start()
            at_the_end.callback(_end, service, process)
            urls[name] = service.url
        yield urls


def _end(service: Service, process: subprocess.Popen[bytes]) -> None:
    service.stop(process)
    service.discard()
