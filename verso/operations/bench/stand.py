"""What a measurement stands on: servers of its own and two gunicorn workers, for the floor and for Verso alike."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psycopg
from psycopg import sql

from tools import servers
from verso.operations.lifeline import tied_to_me

WORKERS, THREADS = 2, 4


def environment(stack: ExitStack) -> dict[str, str]:
    """The environment of every process of the run; PostgreSQL and Redis are started unless given."""
    scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="verso-bench-"))
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "verso.settings.dev",
        "VERSO_DATA_DIR": scratch,
        "DATABASE_URL": os.environ.get("DATABASE_URL") or _with_database(stack.enter_context(servers.postgres())),
        "REDIS_URL": os.environ.get("REDIS_URL") or stack.enter_context(servers.redis()),
        "RATE_LIMITS": "off",
        "LOG_LEVEL": "ERROR",
    }


def _with_database(url: str) -> str:
    server, _slash, name = url.rpartition("/")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return url


@contextmanager
def serving(application: str, env: dict[str, str]) -> Iterator[int]:
    """The application under gunicorn with two workers; yields its port."""
    port = servers.free_port()
    command = [sys.executable, "-m", "gunicorn", "--no-control-socket", "-k", "gthread", "--log-level", "error"]
    command += ["-w", str(WORKERS), "--threads", str(THREADS), "-b", f"127.0.0.1:{port}", application]
    process = subprocess.Popen(command, env=env, preexec_fn=tied_to_me(15))
    try:
        _wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_for(port: int, patience: float = 30) -> None:
    until = time.monotonic() + patience
    while not _answers(port):
        if time.monotonic() > until:
            raise RuntimeError("The web server did not start.")
        time.sleep(0.1)
    time.sleep(1)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
