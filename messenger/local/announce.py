"""The supervisor's output on the terminal, and its check that the first page is served."""

from __future__ import annotations

import contextlib
import http.client

WILDCARDS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  compared with, not bound
LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def say(text: str) -> None:
    """Print one line. A closed terminal is ignored."""
    with contextlib.suppress(OSError):
        print(f"[lumin] {text}", flush=True)


def address(host: str, port: int) -> str:
    """The URL to open in a browser. Passkeys need a name, so loopback becomes `localhost`."""
    reached = WILDCARDS.get(host, host)
    name = "localhost" if reached in LOOPBACK else reached
    return f"http://[{name}]:{port}/" if ":" in name else f"http://{name}:{port}/"


def page_status(host: str, port: int, path: str, redirects: int = 3) -> int | None:
    """The HTTP status of a page after its redirects; None where the server does not answer."""
    reached = WILDCARDS.get(host, host)
    name = "localhost" if reached in LOOPBACK else reached
    connection = http.client.HTTPConnection(reached, port, timeout=2)
    try:
        connection.request("GET", path, headers={"Host": f"{name}:{port}"})
        response = connection.getresponse()
        onward = response.getheader("Location", "")
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    if onward.startswith("/") and redirects:
        return page_status(host, port, onward, redirects - 1)
    return response.status
