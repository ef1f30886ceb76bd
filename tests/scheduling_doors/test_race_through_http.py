"""Fifty people send the form for one opening at the same moment, to a real server with two processes."""

import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.core import mail
from django.db import connection

from accounts.models import Tenant
from audit.models import Event, OutboxMessage
from governance.models import Person
from scheduling import weeks
from scheduling.models import Allocation, Appointment
from tests.factories.scheduling import make_service, on
from tests.scheduling_doors.conftest import ADDRESS, deliver, starts_in

pytestmark = [pytest.mark.guarantee, pytest.mark.django_db(transaction=True)]
FIFTY = 50


def all_at_once(address: str, bodies: list[dict[str, str]]) -> list[tuple[int, str, str]]:
    """Post every body from a connection of its own, opened before the start; (status, Location, page) of each."""
    host, _colon, port = address.removeprefix("http://").partition(":")
    barrier, answers = threading.Barrier(len(bodies)), [(0, "", "")] * len(bodies)

    def post(place: int, body: dict[str, str]) -> None:
        line = http.client.HTTPConnection(host, int(port), timeout=60)
        line.connect()
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Idempotency-Key": body["request_id"]}
        barrier.wait(timeout=60)
        line.request("POST", ADDRESS, urlencode(body), headers)
        answer = line.getresponse()
        answers[place] = (answer.status, answer.getheader("Location", ""), answer.read().decode())
        line.close()

    threads = [threading.Thread(target=post, args=(place, body)) for place, body in enumerate(bodies)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def _database_url() -> str:
    """Where the tests' own database is, as the environment writes it."""
    here = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{here['NAME']}"
    return f"postgres://{here['USER']}:{here['PASSWORD']}@{here['HOST']}:{here['PORT']}/{here['NAME']}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_up(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """gunicorn with two processes of 25 threads on the tests' database, without rate limits."""
    port = _free_port()
    own = {"DATABASE_URL": _database_url(), "DJANGO_SETTINGS_MODULE": "verso.settings.test", "RATE_LIMITS": "off"}
    command = [sys.executable, "-m", "gunicorn", "verso.wsgi", "--bind", f"127.0.0.1:{port}", "--no-control-socket"]
    options = ["--workers", "2", "--worker-class", "gthread", "--threads", "25", "--log-level", "warning"]
    with (tmp_path / "server.log").open("wb") as log:
        process = subprocess.Popen([*command, *options], env={**os.environ, **own}, stdout=log, stderr=log)
        try:
            for _try in range(300):
                if _is_up(port) or process.poll() is not None:
                    break
                time.sleep(0.1)
            assert _is_up(port), (tmp_path / "server.log").read_text()
            yield f"http://localhost:{port}"
        finally:
            process.terminate()
            process.wait(timeout=30)


def test_one_gets_it_and_forty_nine_are_told_so_at_once(
    tenant: Tenant, typed: dict[str, str], day: date, server: str
) -> None:
    make_service(tenant, slug="consultation")
    bodies = [
        {**typed, "email": f"visitor{number}@visitor.example", "request_id": f"request-{number}"}
        for number in range(FIFTY)
    ]

    answers = all_at_once(server, bodies)

    assert Counter(status for status, _location, _page in answers) == {303: 1, 409: 49}
    lost = next((page for status, _location, page in answers if status == 409))
    assert len(starts_in(lost)) == 5
    assert weeks.value(on(day, "10:00")) not in starts_in(lost)
    assert Appointment.objects.count() == Allocation.objects.count() == Person.objects.count() == 1
    assert Event.objects.filter(action="scheduling.appointment.booked").count() == 1
    assert deliver().sent == 1
    assert deliver().total == 0
    [letter] = mail.outbox
    [location] = [location for status, location, _page in answers if status == 303]
    assert location in letter.body
    assert OutboxMessage.objects.count() == 1


def test_one_form_sent_twenty_times_at_once_is_one_appointment(
    tenant: Tenant, typed: dict[str, str], server: str
) -> None:
    make_service(tenant, slug="consultation")

    answers = all_at_once(server, [typed] * 20)

    assert {status for status, _location, _page in answers} == {303}
    assert len({location for _status, location, _page in answers}) == 1
    assert Appointment.objects.count() == 1
    assert deliver().sent == 1
