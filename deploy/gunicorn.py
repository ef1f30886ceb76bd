"""How the web server runs, in the demo and in production: `gunicorn --config deploy/gunicorn.py`."""

import os
import shutil
import signal
from typing import Any

from verso.operations.lifeline import die_with_parent
from verso.settings import env
from verso.telemetry import logs

_numbers = env.DATA_DIR / "metrics"
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_numbers)  # prometheus_client looks once, when it is imported

from prometheus_client import multiprocess  # noqa: E402

wsgi_app = "verso.wsgi:application"
bind = f"{env.BIND}:{env.PORT}"
worker_class = "gthread"
workers = env.WEB_WORKERS
threads = env.WEB_THREADS
timeout = 60
graceful_timeout = 20
keepalive = 5
max_requests = 20_000
max_requests_jitter = 2_000
limit_request_line = 4_094
limit_request_fields = 64
forwarded_allow_ips = ""  # `audit.middleware` alone decides which proxy to believe
control_socket_disable = True
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # nosec B108
logconfig_dict = logs.configuration(env.LOG_LEVEL, env.LOG_FORMAT)


def on_starting(_server: Any) -> None:
    """Forget the numbers of processes that ended before."""
    shutil.rmtree(_numbers, ignore_errors=True)
    _numbers.mkdir(parents=True)


def post_fork(server: Any, _worker: Any) -> None:
    """A worker ends with its master, however that ends."""
    die_with_parent(server.pid, signal.SIGTERM)


def child_exit(_server: Any, worker: Any) -> None:
    """Let the live gauges of a dead worker go."""
    multiprocess.mark_process_dead(worker.pid)
