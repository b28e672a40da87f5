"""The web process: `python -m messenger.serve --fd N` or `--host H --port P`.

`WEB_SERVER` chooses between daphne and uvicorn. Both serve `messenger.asgi:application` on a
uvloop, without compression of frames (it costs two thirds of the fan-out), without pings of their
own (the protocol has its heartbeat), and without trust in proxy headers. SIGTERM ends the process
within EXIT_SECONDS.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys

SWITCH_SECONDS = 0.0005


def main() -> None:
    """Parse the command line and serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m messenger.serve", description=__doc__)
    parser.add_argument("--fd", type=int, help="a listening socket inherited from the parent")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--gate", type=int, help="a pipe: serve once its other end is closed")
    arguments = parser.parse_args()
    if arguments.fd is not None:
        listener = socket.socket(fileno=arguments.fd)
    else:
        family = socket.AF_INET6 if ":" in arguments.host else socket.AF_INET
        listener = socket.create_server(
            (arguments.host, arguments.port), family=family, backlog=2048
        )
    # Processes share it, and one accepts each connection: the others must not block in accept().
    listener.setblocking(False)
    # The event loop and the writers' threads alternate in short steps: Python's default switch
    # interval of 5 ms would be most of a message's latency.
    sys.setswitchinterval(SWITCH_SECONDS)
    if os.environ.get("WEB_SERVER") == "uvicorn":
        from messenger.serve.with_uvicorn import serve
    else:
        from messenger.serve.with_daphne import serve
    serve(listener, arguments.gate)
