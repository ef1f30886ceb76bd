"""`make demo`: the whole of Verso on this machine from one command; Ctrl-C stops it, a second run keeps the data.

Honours whatever of `.env.example` is set: with DATABASE_URL, REDIS_URL and the like, the same command runs there.
"""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from typing import IO, Any

from verso.operations.demonstration import welcome
from verso.operations.lifeline import die_with_parent
from verso.operations.supervisor import Child, Supervisor, say
from verso.settings import env

CELERY = [sys.executable, "-m", "celery", "--app", "verso", "--quiet"]
PROCESSES = {
    "web": [sys.executable, "-m", "gunicorn", "--config", "deploy/gunicorn.py"],
    "worker": [
        *CELERY,
        "worker",
        "--concurrency",
        "2",
        "--without-gossip",
        "--without-mingle",
        "--loglevel",
        "WARNING",
    ],
    "beat": [*CELERY, "beat", "--loglevel", "WARNING", "--pidfile", ""],
}

# The clock ticks every few seconds: worker and beat speak only of what is wrong, unless LOG_LEVEL says otherwise.
QUIETLY = {
    "web": {},
    "worker": {"LOG_LEVEL": "WARNING", "PYTHONWARNINGS": "ignore:You're running the worker with superuser"},
    "beat": {"LOG_LEVEL": "WARNING"},
}


def main() -> int:
    """Prepare the database, seed it, then run web, worker and beat until told to stop."""
    if os.environ.get("MAKELEVEL"):  # started by make: end with it
        die_with_parent(os.getppid())
    os.chdir(env.ROOT)
    env.DATA_DIR.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    environment.setdefault("DJANGO_SETTINGS_MODULE", "verso.settings.dev")
    with (env.DATA_DIR / "demo.lock").open("w") as lock:
        if not _alone(lock):
            return _sorry(f"A demo already runs on {env.DATA_DIR}. Stop it, or give this one another VERSO_DATA_DIR.")
        if not _port_is_free():
            return _sorry(f"Port {env.PORT} is taken. Try: make demo PORT={env.PORT + 1}")
        (env.DATA_DIR / env.PORT_FILE).write_text(str(env.PORT))  # so that links of later commands lead here
        seeded = prepare(environment)
        if seeded is None:
            return 1
        children = [Child(name, command, {**QUIETLY[name], **environment}) for name, command in PROCESSES.items()]
        threading.Thread(target=_welcome_when_ready, args=(seeded,), daemon=True).start()
        Supervisor(children).run()
    say("demo", f"Stopped. The data stays in {env.DATA_DIR}.")
    return 0


def prepare(environment: dict[str, str]) -> dict[str, Any] | None:
    """Migrate and seed; what the seed tells about sign-ins, or None when a step failed and said why."""
    say("demo", "Preparing the database …")
    if not _manage(environment, "migrate", "--verbosity", "0"):
        return None
    seeded = _manage(environment, "seed_demo", "--json")
    return json.loads(seeded.stdout) if seeded else None


def _manage(environment: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str] | None":
    done = subprocess.run(
        [sys.executable, "manage.py", *words], env=environment, check=False, capture_output=True, text=True
    )
    if done.returncode == 0:
        return done
    for line in (done.stdout + done.stderr).splitlines():
        say("demo", line)
    say("demo", f"manage.py {words[0]} failed; nothing was started.")
    return None


def _alone(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _port_is_free() -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((env.BIND, env.PORT))
        except OSError:
            return False
    return True


def _sorry(sentence: str) -> int:
    say("demo", sentence)
    return 1


def _welcome_when_ready(seeded: dict[str, Any]) -> None:
    while not _serves():
        time.sleep(0.3)
    for line in ["", "Verso is open. Ctrl-C stops it; the next run keeps the data.", "", *welcome.lines(seeded), ""]:
        say("demo", line)


def _serves() -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{env.PORT}/healthz", timeout=2):  # nosec B310 - loopback
            return True
    except (OSError, urllib.error.URLError):
        return False


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # until the supervisor takes over
    sys.exit(main())
