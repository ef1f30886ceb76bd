"""Measure everything and print the ratios of the contract that apply so far.

`BENCH_APPOINTMENTS` (1,000,000) says how long the history is that must not cost anything.
"""

import os
import subprocess
import sys
from contextlib import ExitStack

from verso.operations.bench import stand

LONG_HISTORY = os.environ.get("BENCH_APPOINTMENTS", "1000000")


def main() -> int:
    """Start the servers, lay the ground, and measure in a process of its own; 1 when a bound was missed."""
    with ExitStack() as stack:
        env = stand.environment(stack) | {"BENCH_APPOINTMENTS": LONG_HISTORY}
        manage(env, "migrate", "--verbosity=0")
        manage(env, "collectstatic", "--noinput", "--verbosity=0")
        manage(env, "seed_bench", "--providers=10", "--appointments=1000")
        return subprocess.run([sys.executable, "-m", "verso.operations.bench.report"], env=env, check=False).returncode


def manage(env: dict[str, str], *words: str) -> None:
    """One command of `manage.py`, to completion."""
    subprocess.run([sys.executable, "manage.py", *words], env=env, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
