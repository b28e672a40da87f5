"""`make run`: services, migrations, web and worker brought up, kept up, taken down in order."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time

from messenger.local.announce import address, page_status, say
from messenger.local.environment import PROJECT, Environment
from messenger.local.errors import LocalError
from messenger.local.folders import claim_data_folder, empty_folder, secret_key, vapid_private_key
from messenger.local.kept import Kept, stop_together
from messenger.local.processes import spawn, stop
from messenger.local.services import Service, embedded_services
from messenger.local.translations import compile_translations

# Together below the five seconds that Ctrl-C may take. A web process gives itself 2.3 s.
WEB_PATIENCE = 2.5
WORKER_PATIENCE = 1.0
SERVICE_PATIENCE = 0.6


def run(environment: Environment) -> int:
    """Run everything until Ctrl-C or SIGTERM; returns the exit code. Raises LocalError."""
    # SIGINT too: who is started in the background of a script inherits that it is ignored.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    with (
        claim_data_folder(environment.data),
        listen(environment.host, environment.port) as listener,
    ):
        supervisor = Supervisor(environment, listener)
        try:
            supervisor.bring_up()
            supervisor.keep_up()
        except KeyboardInterrupt:
            say("stopping")
        finally:
            # A second Ctrl-C must not leave the stopping half-done.
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            supervisor.take_down()
    say("stopped")
    return 0


def listen(host: str, port: int) -> socket.socket:
    """The socket all web processes share; bound first, so that a busy port stops the start."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise LocalError(
            f"Port {port} on {host} cannot be used ({error.strerror}). Stop the program that has "
            f"it, or choose another with the PORT variable: PORT={port + 1} make run"
        ) from error


class Supervisor:
    """The children of one run."""

    def __init__(self, environment: Environment, listener: socket.socket) -> None:
        self.environment = environment
        self.listener = listener
        self.port: int = listener.getsockname()[1]
        self.children_see = {
            **os.environ,
            "PORT": str(self.port),
            "MESSENGER_DATA": str(environment.data),
            "PROMETHEUS_MULTIPROC_DIR": str(empty_folder(environment.data / "metrics")),
            "PYTHONUNBUFFERED": "1",
        }
        for name, value in {
            "SECRET_KEY": secret_key(environment.data),
            "VAPID_PRIVATE_KEY": vapid_private_key(environment.data),
            "DJANGO_SETTINGS_MODULE": "messenger.settings.dev",
        }.items():
            self.children_see[name] = os.environ.get(name) or value
        self.services: list[tuple[Service, Kept]] = []
        # A pipe that nobody writes to: closing this end tells all who wait at the other.
        self.gate, self.open_gate = os.pipe()
        self.web: list[Kept] = []
        self.worker: list[Kept] = []

    def bring_up(self) -> None:
        """Start the services and the web processes, a little before these answer."""
        for name, service in embedded_services(
            self.environment.data,
            database_url=self.environment.database_url,
            redis_url=self.environment.redis_url,
        ).items():
            kept = Kept(service.label, service.start)
            self.services.append((service, kept))
            kept.begin()
            self.children_see[name] = service.url
        compile_translations()
        for number in range(1, self.environment.web_processes + 1):
            self.web.append(Kept(f"web {number}", self._start_web))
        self.worker.append(Kept("worker", self._start_worker))
        if self.environment.consumes_commands:
            self.worker.append(Kept("commands", self._start_commands))
        # The web processes load while the database is brought up to date, and wait at the gate.
        for child in self.web:
            child.begin()
        self._manage("migrate", "--verbosity", "0")
        seeded = self.environment.data / "seed_demo.done"
        if not seeded.exists():
            self._manage("seed_demo")
            seeded.touch()
        os.close(self.open_gate)

    def keep_up(self) -> None:
        """Hold the children up, for ever; says the address once the first page answers."""
        kept = [child for _, child in self.services] + self.web
        announced = False
        ask_again = 0.0
        while True:
            for child in kept:
                child.tend()
            if not announced and time.monotonic() > ask_again:
                status = self._first_page()
                if status is not None and self.worker[0] not in kept:
                    kept += self.worker  # only now: loading, it would hold up the first page
                announced = status is not None and status < 400
                if announced:
                    where = address(self.environment.host, self.port)
                    say(f"ready: {where}  (Ctrl-C stops it)")
                elif status is not None:
                    say(f"the first page answers {status}; still waiting for it")
                    ask_again = time.monotonic() + 5
            time.sleep(0.1)

    def take_down(self) -> None:
        """Stop all that runs, in the order in which they need each other."""
        stop_together(self.web, patience=WEB_PATIENCE)
        stop_together(self.worker, patience=WORKER_PATIENCE)
        for service, kept in reversed(self.services):
            if kept.process is not None:
                service.stop(kept.process, patience=SERVICE_PATIENCE)
            service.discard()

    def _first_page(self) -> int | None:
        status = page_status(self.environment.host, self.port, "/health")
        return page_status(self.environment.host, self.port, "/") if status == 200 else status

    def _manage(self, *command: str) -> None:
        """Run one management command to its end. Raises LocalError when it fails."""
        argv = [sys.executable, "manage.py", *command, "--skip-checks"]
        process = spawn(argv, env=self.children_see, cwd=PROJECT)
        try:
            code = process.wait()
        finally:
            stop(process, signal.SIGTERM, patience=1)
        if code != 0:
            raise LocalError(f"`manage.py {command[0]}` failed; its own words are above.")

    def _start_web(self) -> subprocess.Popen[bytes]:
        number = self.listener.fileno()
        command = [sys.executable, "-m", "messenger.serve", "--fd", str(number)]
        command += ["--gate", str(self.gate)]
        return spawn(command, env=self.children_see, cwd=PROJECT, pass_fds=[number, self.gate])

    def _start_commands(self) -> subprocess.Popen[bytes]:
        argv = [sys.executable, "manage.py", "consume_commands", "--skip-checks"]
        return spawn(argv, env=self.children_see, cwd=PROJECT)

    def _start_worker(self) -> subprocess.Popen[bytes]:
        # Threads: one process, quick to start; what a laptop's tasks do is waiting for others.
        celery = ["celery", "--quiet", "--app", "messenger", "worker", "--loglevel", "WARNING"]
        celery += [
            "--pool",
            "threads",
            "--concurrency",
            "2",
            "--without-gossip",
            "--without-mingle",
        ]
        celery += ["--beat", "--schedule", str(self.environment.data / "celerybeat-schedule")]
        # The one warning of that module is about root, which is what a bare machine often runs as.
        python = [sys.executable, "-W", "ignore:::celery.platforms", "-m", "messenger.local.tied"]
        return spawn(python + celery, env=self.children_see, cwd=PROJECT)
