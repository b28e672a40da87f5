"""A RabbitMQ server for tests, from Debian's package, beside other RabbitMQ servers of the machine.

Erlang's name service `epmd` runs as a child process on a separate port, so it ends with the tests
and does not affect one that runs already.
"""

from __future__ import annotations

import secrets
import signal
import socket
import subprocess
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from messenger.local.debian import program_or_reason
from messenger.local.errors import LocalError
from messenger.local.processes import spawn, stop, wait_until

# The script in /usr/sbin switches to another account and needs the system's folders.
PROGRAM = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
EPMD = Path("/usr/bin/epmd")
START_SECONDS = 60.0


def rabbitmq_or_reason() -> str:
    """Install RabbitMQ if needed and possible; the reason where it is missing, else empty."""
    return program_or_reason(PROGRAM, "rabbitmq-server")


class RabbitMQ:
    """One server with its data in `folder`; address and data survive restarts of the server."""

    label = "rabbitmq"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "rabbitmq.log"
        self.port, self.epmd_port, self.dist_port = _free_ports(3)
        self.name = f"lumin{self.port}"
        self.password = secrets.token_hex(16)
        self.epmd: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The RABBITMQ_URL of this server."""
        return f"amqp://{self.name}:{self.password}@127.0.0.1:{self.port}//"

    def start(self) -> subprocess.Popen[bytes]:
        """Start and return the server once it answers. Raises LocalError when it does not."""
        if self.epmd is None:
            argv: list[str | Path] = [EPMD, "-address", "127.0.0.1", "-port", str(self.epmd_port)]
            self.epmd = spawn(argv, env=self._environment())
        self._configure()
        with self.log.open("ab") as log:
            process = spawn([PROGRAM], env=self._environment(), cwd=self.folder, output=log)
        settled = wait_until(partial(self._settled, process), seconds=START_SECONDS, pause=0.1)
        if not settled or process.poll() is not None:
            stop(process, patience=1)
            raise LocalError(f"RabbitMQ did not start; see {self.log}.")
        return process

    def stop(self, process: subprocess.Popen[bytes], patience: float = 10.0) -> None:
        """Stop in order; kill after `patience` seconds."""
        stop(process, signal.SIGTERM, patience=patience)

    def discard(self) -> None:
        """Stop the name service; there are no files outside the folder."""
        if self.epmd is not None:
            stop(self.epmd, signal.SIGTERM, patience=2)
            self.epmd = None

    def _configure(self) -> None:
        config = self.folder / "rabbitmq.conf"
        config.touch(mode=0o600)
        config.write_text(
            f"listeners.tcp.local = 127.0.0.1:{self.port}\n"
            f"default_user = {self.name}\n"
            f"default_pass = {self.password}\n"
            "log.console = true\n"
            "log.file = false\n"
            "log.console.level = warning\n"
        )
        (self.folder / "enabled_plugins").write_text("[].\n")
        (self.folder / "no-rabbitmq-env.conf").touch()

    def _environment(self) -> Mapping[str, str]:
        return {
            "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
            "LANG": "C.UTF-8",
            "HOME": str(self.folder),
            "ERL_EPMD_PORT": str(self.epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"{self.name}@localhost",
            "RABBITMQ_DIST_PORT": str(self.dist_port),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "no-rabbitmq-env.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            # The script then executes the server in its place, so the server ends with its parent.
            "RABBITMQ_ALLOW_INPUT": "1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "-noinput -kernel inet_dist_use_interface {127,0,0,1}"
            ),
        }

    def _settled(self, process: subprocess.Popen[bytes]) -> bool:
        return process.poll() is not None or self._answers()

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"AMQP\x00\x00\x09\x01")
                return bool(connection.recv(1))
        except OSError:
            return False


def _free_ports(number: int) -> list[int]:
    probes = [socket.socket() for _ in range(number)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()
