"""A private PostgreSQL and a private Redis for one run, from the binaries on this machine; gone afterwards.

PostgreSQL refuses to run as root, so root drops to `postgres` (or `nobody`) for it.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from verso.operations.lifeline import tied_to_me

# Nothing here outlives the run, so durability is traded for speed.
POSTGRES_OPTIONS = [
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "max_connections=200",
    "shared_buffers=128MB",
    "listen_addresses=127.0.0.1",
    "timezone=UTC",
    "log_min_messages=fatal",
]


def postgres_folder() -> Path | None:
    """Where `initdb` and `postgres` live: the newest Debian version, else the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def redis_binary() -> str | None:
    """Where `redis-server` (or its twin `valkey-server`) lives."""
    return shutil.which("redis-server") or shutil.which("valkey-server")


@contextmanager
def postgres() -> Iterator[str]:
    """A new PostgreSQL on a free port; yields its URL."""
    folder = postgres_folder()
    if folder is None:
        raise RuntimeError("PostgreSQL is not installed (Debian: apt install postgresql)")
    with _scratch("verso-pg-") as home:
        who = _unprivileged(home)
        subprocess.run(
            [
                folder / "initdb",
                "-D",
                home / "data",
                "-U",
                "postgres",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-locale",
                "-N",
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=home,
            env=_plain_environment(home),
            **who,
        )
        port = free_port()
        options = [word for option in [*POSTGRES_OPTIONS, f"port={port}"] for word in ("-c", option)]
        command = [folder / "postgres", "-D", home / "data", "-k", home, *options]
        with _running(command, signal.SIGINT, home=home, ready=lambda: _answers(port, folder), **who):
            yield f"postgres://postgres@127.0.0.1:{port}/verso"


@contextmanager
def redis() -> Iterator[str]:
    """A new Redis on a free port that keeps nothing on disk; yields its URL."""
    binary = redis_binary()
    if binary is None:
        raise RuntimeError("Redis is not installed (Debian: apt install redis-server)")
    with _scratch("verso-redis-") as home:
        port = free_port()
        command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        with _running([*command, "--dir", home], signal.SIGTERM, home=home, ready=lambda: _listens(port)):
            yield f"redis://127.0.0.1:{port}/0"


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _running(command: list[Any], stop: int, *, home: Path, ready: Callable[[], bool], **who: Any) -> Iterator[None]:
    process = subprocess.Popen(
        [str(word) for word in command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=home,
        env=_plain_environment(home),
        start_new_session=True,  # Ctrl-C reaches us; we stop the servers last
        preexec_fn=tied_to_me(stop),
        **who,
    )
    try:
        _wait_until(ready, process)
        yield
    finally:
        process.send_signal(stop)
        process.wait(timeout=30)


def _wait_until(ready: Callable[[], bool], process: "subprocess.Popen[bytes]", patience: float = 30) -> None:
    until = time.monotonic() + patience
    while not ready():
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"{process.args!r} did not start")
        time.sleep(0.1)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _answers(port: int, folder: Path) -> bool:
    command = [str(folder / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    return subprocess.run(command, check=False).returncode == 0


@contextmanager
def _scratch(prefix: str) -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _unprivileged(home: Path) -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = names.get("postgres") or names["nobody"]
    os.chown(home, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _plain_environment(home: Path) -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", ""), "HOME": str(home), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
