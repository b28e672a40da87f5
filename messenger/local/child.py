"""`python -m messenger.local.child MODULE ARGS…`: run a module whose forked children end with it.

A fork does not inherit the kernel's parent-death signal, so the processes that a server forks
(Celery's embedded beat) would survive when it is killed.
"""

from __future__ import annotations

import os
import runpy
import sys

from messenger.local.processes import die_with_parent


def main() -> None:
    """Run the module named by the first argument as `__main__`, with the rest as its arguments."""
    os.register_at_fork(after_in_child=die_with_parent)
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
