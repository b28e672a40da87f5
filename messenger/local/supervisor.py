"""`make run`: starts services, migrations, web and worker, restarts and stops them in order."""

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
from messenger.local.processes import spawn, stop
from messenger.local.services import Service, embedded_services
from messenger.local.supervised_process import SupervisedProcess, stop_together
from messenger.local.translations import compile_translations

# Seconds; together less than the five that Ctrl-C may take. A web process takes up to 2.3.
WEB_PATIENCE = 2.5
WORKER_PATIENCE = 1.0
SERVICE_PATIENCE = 0.6


def run(environment: Environment) -> int:
    """Run everything until Ctrl-C or SIGTERM; returns the exit code. Raises LocalError."""
    # SIGINT too: background jobs of a script inherit that it is ignored.
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
            # A second Ctrl-C must not interrupt the shutdown.
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            supervisor.take_down()
    say("stopped")
    return 0


def listen(host: str, port: int) -> socket.socket:
    """The socket that all web processes share. Bound first, so a used port fails the start."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise LocalError(
            f"Port {port} on {host} cannot be used ({error.strerror}). Stop the program that has "
            f"it, or choose another with the PORT variable: PORT={port + 1} make run"
        ) from error


class Supervisor:
    """The child processes of one run."""

    def __init__(self, environment: Environment, listener: socket.socket) -> None:
        self.environment = environment
        self.listener = listener
        self.port: int = listener.getsockname()[1]
        self.child_environment = {
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
            self.child_environment[name] = os.environ.get(name) or value
        self.services: list[tuple[Service, SupervisedProcess]] = []
        # Web processes wait until this pipe, which carries no data, is closed.
        self.gate, self.open_gate = os.pipe()
        self.web: list[SupervisedProcess] = []
        self.worker: list[SupervisedProcess] = []

    def bring_up(self) -> None:
        """Start the services and the web processes; returns before the latter answer."""
        for name, service in embedded_services(
            self.environment.data,
            database_url=self.environment.database_url,
            redis_url=self.environment.redis_url,
        ).items():
            process = SupervisedProcess(service.label, service.start)
            self.services.append((service, process))
            process.begin()
            self.child_environment[name] = service.url
        compile_translations()
        for number in range(1, self.environment.web_processes + 1):
            self.web.append(SupervisedProcess(f"web {number}", self._start_web))
        self.worker.append(SupervisedProcess("worker", self._start_worker))
        if self.environment.consumes_commands:
            self.worker.append(SupervisedProcess("commands", self._start_commands))
        # The web processes load during the migrations and wait at the gate.
        for child in self.web:
            child.begin()
        self._manage("migrate", "--verbosity", "0")
        seeded = self.environment.data / "seed_demo.done"
        if not seeded.exists():
            self._manage("seed_demo")
            seeded.touch()
        os.close(self.open_gate)

    def keep_up(self) -> None:
        """Restart processes that end, for ever; print the address when the first page is served."""
        supervised = [process for _, process in self.services] + self.web
        announced = False
        ask_again = 0.0
        while True:
            for process in supervised:
                process.poll()
            if not announced and time.monotonic() > ask_again:
                status = self._first_page()
                if status is not None and self.worker[0] not in supervised:
                    supervised += self.worker  # only now: its start would delay the first page
                announced = status is not None and status < 400
                if announced:
                    where = address(self.environment.host, self.port)
                    say(f"ready: {where}  (Ctrl-C stops it)")
                elif status is not None:
                    say(f"the first page answers {status}; still waiting for it")
                    ask_again = time.monotonic() + 5
            time.sleep(0.1)

    def take_down(self) -> None:
        """Stop all processes: web first, services last."""
        stop_together(self.web, patience=WEB_PATIENCE)
        stop_together(self.worker, patience=WORKER_PATIENCE)
        for service, supervised in reversed(self.services):
            if supervised.process is not None:
                service.stop(supervised.process, patience=SERVICE_PATIENCE)
            service.discard()

    def _first_page(self) -> int | None:
        status = page_status(self.environment.host, self.port, "/health")
        return page_status(self.environment.host, self.port, "/") if status == 200 else status

    def _manage(self, *command: str) -> None:
        """Run a management command. Raises LocalError when it fails."""
        argv = [sys.executable, "manage.py", *command, "--skip-checks"]
        process = spawn(argv, env=self.child_environment, cwd=PROJECT)
        try:
            code = process.wait()
        finally:
            stop(process, signal.SIGTERM, patience=1)
        if code != 0:
            raise LocalError(f"`manage.py {command[0]}` failed; its output is above.")

    def _start_web(self) -> subprocess.Popen[bytes]:
        number = self.listener.fileno()
        command = [sys.executable, "-m", "messenger.serve", "--fd", str(number)]
        command += ["--gate", str(self.gate)]
        return spawn(command, env=self.child_environment, cwd=PROJECT, pass_fds=[number, self.gate])

    def _start_commands(self) -> subprocess.Popen[bytes]:
        argv = [sys.executable, "manage.py", "consume_commands", "--skip-checks"]
        return spawn(argv, env=self.child_environment, cwd=PROJECT)

    def _start_worker(self) -> subprocess.Popen[bytes]:
        # Threads: one process starts quickly, and tasks mostly wait for other services.
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
        # The only warning of that module is about running as root.
        python = [sys.executable, "-W", "ignore:::celery.platforms", "-m", "messenger.local.child"]
        return spawn(python + celery, env=self.child_environment, cwd=PROJECT)
