"""A demo really running beside the tests: started, watched, killed."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psutil

from tools.servers import free_port

ROOT = Path(__file__).resolve().parents[2]
REQUESTS = "django_http_requests_before_middlewares_total"
CONFIGURED = ("DATABASE_URL", "MIGRATION_DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "EMAIL_URL", "LOG_LEVEL")


def until(true: Callable[[], object], patience: float = 60) -> None:
    """Wait until something is true; fail when patience runs out."""
    end = time.monotonic() + patience
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


class Demo:
    """`make demo` on its own data, without make: what make execs."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port = free_port()
        self.output = data.parent / f"{data.name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, **changes: str) -> "Demo":
        """Start it and wait until it has greeted."""
        without = {*CONFIGURED, "PYTEST_XDIST_WORKER", "MAKELEVEL"}
        environment = {key: value for key, value in os.environ.items() if key not in without}
        environment |= {
            "VERSO_DATA_DIR": str(self.data),
            "PORT": str(self.port),
            "DJANGO_SETTINGS_MODULE": "tests.operations.embedded_settings",
            "PYTHONPATH": str(ROOT),
            **changes,
        }
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "verso.operations.demo"],
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until(lambda: "Verso is open" in self.said() or self.process.poll() is not None, patience=120)
        assert self.process.poll() is None, self.said()
        return self

    def said(self) -> str:
        """All it has printed since it started."""
        return self.output.read_text(errors="replace")

    def living(self) -> list[psutil.Process]:
        """Every process of this demo, found by its data directory, whoever its parent is by now."""
        return [process for process in psutil.process_iter() if _belongs_to(process, self.data)]

    def child(self, word: str) -> psutil.Process | None:
        """The supervisor's own child whose command says this word."""
        assert self.process is not None
        children = psutil.Process(self.process.pid).children()
        return next((child for child in children if _says(child, word)), None)

    def serves(self) -> bool:
        """Whether the site answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def requests_counted(self) -> float:
        """How many requests Prometheus is told of, by all web processes together."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(REQUESTS))

    def signal(self, number: int) -> None:
        """Send a signal to the parent alone."""
        assert self.process is not None
        self.process.send_signal(number)

    def wait(self) -> int:
        """The parent's exit code."""
        assert self.process is not None
        return self.process.wait(timeout=60)

    def clean(self) -> None:
        """Leave nothing behind, whatever the test found."""
        for process in self.living():
            process.kill()
        if self.process is not None:
            self.process.wait(timeout=10)

    def count(self, query: str) -> dict[str, int]:
        """Rows counted straight from the database file."""
        with closing(sqlite3.connect(f"file:{self.data}/verso.sqlite3?mode=ro", uri=True, timeout=20)) as rows:
            return dict(rows.execute(query).fetchall())

    def messages(self) -> dict[str, int]:
        """Outbox messages by state."""
        return self.count("SELECT state, count(*) FROM audit_outboxmessage GROUP BY state")

    def kill(self, process: psutil.Process) -> None:
        """End one process at once."""
        os.kill(process.pid, signal.SIGKILL)


def _says(process: psutil.Process, word: str) -> bool:
    try:
        return word in process.cmdline()
    except psutil.NoSuchProcess:  # ended, or ending
        return False


def _belongs_to(process: psutil.Process, data: Path) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and process.environ().get("VERSO_DATA_DIR") == str(data)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False
