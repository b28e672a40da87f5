"""`python -m messenger.local run` and `python -m messenger.local exec -- COMMAND…`."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys

from messenger.local.environment import read_environment
from messenger.local.errors import LocalError
from messenger.local.processes import die_with_parent
from messenger.local.services import private_services
from messenger.local.supervisor import run
from messenger.local.translations import compile_translations


def main() -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m messenger.local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run", help="everything, until Ctrl-C")
    running.add_argument(
        "--end-with-parent", action="store_true", help="stop when the starting process ends"
    )
    executing = commands.add_parser(
        "exec", help="one command with a PostgreSQL and a Redis of its own"
    )
    executing.add_argument("argv", nargs="+", metavar="COMMAND")
    arguments = parser.parse_args()
    try:
        if arguments.command == "exec":
            return execute(arguments.argv)
        if arguments.end_with_parent:
            die_with_parent(signal.SIGTERM)
        return run(read_environment())
    except LocalError as error:
        print(f"[lumin] {error}", file=sys.stderr)
        return 1


def execute(argv: list[str]) -> int:
    """Run a command with temporary services; returns its exit code."""
    compile_translations()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with private_services() as urls:
            command = subprocess.Popen(argv, env={**os.environ, **urls})
            try:
                return command.wait()
            finally:
                if command.poll() is None:
                    command.terminate()
                    command.wait()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
