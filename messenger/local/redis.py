"""An embedded Redis on a free loopback port, with a password made at each start.

Nothing is written to disk. The product works with an empty Redis, whereas an old snapshot could
restore outdated counters and presence.
"""

from __future__ import annotations

import secrets
import signal
import socket
import subprocess
import tempfile
from functools import partial
from pathlib import Path

from messenger.local.binaries import redis_program
from messenger.local.errors import LocalError
from messenger.local.processes import spawn, stop, wait_until

START_SECONDS = 10.0
ATTEMPTS = 5


class Redis:
    """One Redis server; its address survives restarts of the server, not of this object."""

    label = "redis"

    def __init__(self, folder: Path) -> None:
        self.program = redis_program()
        self.folder = folder
        self.log = folder / "redis.log"
        self.port = _free_port()
        self._is_port_final = False
        self.password = secrets.token_hex(16)

    @property
    def url(self) -> str:
        """The REDIS_URL of this server."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def start(self) -> subprocess.Popen[bytes]:
        """Start and return the server once it answers. Raises LocalError when it does not."""
        for _ in range(ATTEMPTS):
            process = self._launch()
            settled = wait_until(partial(self._settled, process), seconds=START_SECONDS)
            if settled and process.poll() is None:
                self._is_port_final = True
                return process
            stop(process, patience=1)
            # Another program may have taken the port. Once clients know it, it must not change.
            if not self._is_port_final:
                self.port = _free_port()
        raise LocalError(f"Redis did not start; see {self.log}.")

    def stop(self, process: subprocess.Popen[bytes], patience: float = 2.0) -> None:
        """Stop in order; kill after `patience` seconds."""
        stop(process, signal.SIGTERM, patience=patience)

    def discard(self) -> None:
        """Do nothing: there are no files outside the folder."""

    def _launch(self) -> subprocess.Popen[bytes]:
        settings = {
            "bind": "127.0.0.1",
            "port": self.port,
            "requirepass": self.password,
            "save": '""',
            "appendonly": "no",
            "dir": f'"{self.folder}"',
            "daemonize": "no",
        }
        # On standard input, since every account can read command lines.
        with tempfile.TemporaryFile() as config, self.log.open("ab") as log:
            config.write("".join(f"{name} {value}\n" for name, value in settings.items()).encode())
            config.seek(0)
            return spawn([self.program, "-"], stdin=config, output=log)

    def _settled(self, process: subprocess.Popen[bytes]) -> bool:
        return process.poll() is not None or self._answers()

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=0.5) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                reply = b""
                while reply.count(b"\n") < 2:
                    more = connection.recv(100)
                    if not more:
                        break
                    reply += more
        except OSError:
            return False
        return reply == b"+OK\r\n+PONG\r\n"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
