"""One command runs web, worker and beat; nothing kills it by halves, and nothing is left behind or lost."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings
from psycopg import sql

from tests.operations.running import ROOT, Demo, until

pytestmark = [pytest.mark.operations, pytest.mark.skipif(sys.platform != "linux", reason="the kernel must be Linux")]


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    running = Demo(tmp_path / "data")
    yield running
    running.clean()


def test_every_child_that_dies_comes_back_and_ctrl_c_ends_all(demo: Demo) -> None:
    demo.start()
    until(demo.serves)
    assert "owner@demo.example" in demo.said()
    for word in ("gunicorn", "worker", "beat"):
        killed = demo.child(word)
        assert killed is not None
        demo.kill(killed)
        until(lambda: (now := demo.child(word)) is not None and now.pid != killed.pid)  # noqa: B023 - asked at once
    until(demo.serves)
    assert (
        len([process for process in demo.living() if "gunicorn" in " ".join(process.cmdline())]) == 2
    )  # master and worker

    demo.signal(signal.SIGINT)
    assert demo.wait() == 0
    assert demo.living() == []
    assert f"Stopped. The data stays in {demo.data}." in demo.said()


def test_several_web_processes_are_counted_as_one(demo: Demo) -> None:
    demo.start(WEB_WORKERS="2")
    before = demo.requests_counted()
    for _ in range(20):
        assert demo.serves()
    assert 20 <= demo.requests_counted() - before <= 30  # whoever answered, and the probes of the demo itself


def test_killed_outright_it_orphans_nothing_loses_no_message_and_keeps_its_data(demo: Demo) -> None:
    demo.start()
    until(lambda: list((demo.data / "mail").glob("*")))  # the worker is delivering
    demo.signal(signal.SIGKILL)
    until(lambda: demo.living() == [], patience=20)
    left = demo.messages()
    bookings = demo.count("SELECT status, count(*) FROM scheduling_appointment GROUP BY status")
    signatures = demo.count("SELECT email, password FROM accounts_user")

    demo.start()
    until(lambda: demo.messages().get("waiting", 0) == 0)
    now = demo.messages()
    # Staff notices are posted by what is delivered, so there may be more than were left, never fewer.
    assert sum(now.values()) >= sum(left.values())
    assert now.keys() <= {"delivered", "unwanted"}
    assert len(list((demo.data / "mail").glob("*"))) > 0
    assert demo.count("SELECT status, count(*) FROM scheduling_appointment GROUP BY status") == bookings
    assert demo.count("SELECT email, password FROM accounts_user") == signatures
    demo.signal(signal.SIGTERM)
    assert demo.wait() == 0
    assert demo.living() == []


def test_a_second_demo_on_the_same_data_or_port_says_so(demo: Demo, tmp_path: Path) -> None:
    demo.start()

    def started_beside(**changes: str) -> tuple[int, str]:
        environment = {**os.environ, "VERSO_DATA_DIR": str(demo.data), "PORT": str(demo.port), **changes}
        environment.pop("PYTEST_XDIST_WORKER", None)
        command = [sys.executable, "-m", "verso.operations.demo"]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout

    assert started_beside() == (
        1,
        f"demo   | A demo already runs on {demo.data}. Stop it, or give this one another VERSO_DATA_DIR.\n",
    )
    other = str(tmp_path / "other")
    code, said = started_beside(VERSO_DATA_DIR=other)
    assert (code, said) == (1, f"demo   | Port {demo.port} is taken. Try: make demo PORT={demo.port + 1}\n")
    until(demo.serves)


@pytest.fixture
def servers() -> Iterator[dict[str, str]]:
    """An empty database on the PostgreSQL of this run, and a corner of its Redis, as the environment names them."""
    known = settings.DATABASES["default"]
    at = {"host": known["HOST"], "port": known["PORT"], "user": known["USER"], "password": known["PASSWORD"]}
    name = f"verso_demo_{uuid4().hex[:8]}"
    with psycopg.connect(**at, dbname="postgres", autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        login = f"{at['user']}:{at['password']}@" if at["password"] else f"{at['user']}@"
        yield {
            "DATABASE_URL": f"postgres://{login}{at['host']}:{at['port']}/{name}",
            "REDIS_URL": settings.CACHES["default"]["LOCATION"].rpartition("/")[0] + "/15",
        }
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.mark.postgresql
@pytest.mark.redis
def test_the_same_command_runs_on_the_servers_it_is_given(demo: Demo, servers: dict[str, str]) -> None:
    demo.start(**servers)
    until(demo.serves)
    until(lambda: list((demo.data / "mail").glob("*")))  # a worker took it from Redis and PostgreSQL
    assert not (demo.data / "verso.sqlite3").exists()
    demo.signal(signal.SIGTERM)
    assert demo.wait() == 0
    assert demo.living() == []
