"""`manage.py doctor` says in one line each what is well and what to do about the rest."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from accounts import break_glass, saml
from accounts.models import Tenant
from audit import outbox
from tests.factories import accounts as people
from tests.factories.sso import make_idp
from verso.operations import doctor, heartbeats, numbers


def seen() -> tuple[dict[str, Any], bool]:
    """What the doctor says with `--json`, and whether the exit was clean."""
    written = StringIO()
    try:
        call_command("doctor", "--json", stdout=written)
        clean = True
    except CommandError:
        clean = False
    return json.loads(written.getvalue()), clean


def sentence(name: str) -> tuple[bool, str]:
    checks, _clean = seen()
    (found,) = (each for each in checks["checks"] if each["name"] == name)
    return found["ok"], found["sentence"]


@pytest.fixture
def beating(db: None) -> None:
    heartbeats.note(at=timezone.now())


@pytest.mark.sqlite
def test_a_well_installation_exits_clean_and_every_question_is_answered(beating: None) -> None:
    told, clean = seen()
    assert (told["ok"], clean) == (True, True)
    assert [each["name"] for each in told["checks"]] == list(doctor.QUESTIONS)


@pytest.mark.django_db
@pytest.mark.sqlite
def test_it_says_plainly_that_without_redis_limits_hold_per_process() -> None:
    assert sentence("cache") == (
        True,
        "memory of each process: without REDIS_URL, limits and lockouts hold per process only",
    )


@pytest.mark.django_db
def test_a_silent_clock_is_told_and_fails() -> None:
    assert sentence("clockwork") == (False, "no heartbeat yet; start worker and beat: make worker, make beat")
    heartbeats.note(at=timezone.now() - timedelta(minutes=10))
    assert sentence("clockwork") == (
        False,
        "the last heartbeat is 10 minutes old; is beat running, is a worker running?",
    )
    assert seen()[1] is False
    call_command("note_heartbeat", stdout=StringIO())
    assert sentence("clockwork")[0] is True


def test_saml_without_xmlsec1_is_an_alarm(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sentence("single_sign_on") == (True, "no provider in use speaks SAML")
    monkeypatch.setattr(saml.shutil, "which", lambda name: None)
    make_idp("corp", protocol="saml", issuer="")
    ok, told = sentence("single_sign_on")
    assert (ok, "xmlsec1 is missing" in told) == (False, True)


def test_break_glass_is_an_alarm_while_it_is_in_force(tenant: Tenant) -> None:
    assert sentence("break_glass") == (True, "nobody has broken the glass")
    now, operator = timezone.now(), people.make_user("operator")
    people.enrol(operator)
    break_glass.open(operator, by=None, at=now, reason="nobody can be reached")
    ok, told = sentence("break_glass")
    assert (ok, told.startswith("in force: demo for 59 minutes")) == (False, True)
    break_glass.end(operator, by=None, at=now)
    assert sentence("break_glass")[0] is True


def test_messages_that_do_not_get_out_are_told(tenant: Tenant) -> None:
    assert sentence("messages") == (True, "0 messages are due, 0 wait in all; no dead letters")
    for minutes in (10, 1, -60):
        outbox.post("verso.test", about=tenant, due_at=timezone.now() - timedelta(minutes=minutes))
    assert sentence("messages") == (False, "2 messages are due, the oldest for 10 minutes; no dead letters")


@pytest.mark.django_db
def test_missing_migrations_are_told() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'cms'")
    well, told = sentence("migrations")
    assert (well, told.split(" ", 1)[1]) == (False, "migrations are not applied; run: manage.py migrate")


@pytest.mark.django_db
def test_a_guard_that_was_dropped_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audit.guards.missing", lambda: ["audit_event_kept"])
    assert sentence("guards") == (False, "missing in the database: audit_event_kept; run: manage.py migrate")


@pytest.mark.django_db
@override_settings(EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend", EMAIL_HOST="127.0.0.1", EMAIL_PORT=1)
def test_a_mail_server_that_does_not_answer_is_told() -> None:
    assert sentence("mail") == (False, "does not answer (ConnectionRefusedError)")


@pytest.mark.django_db
@override_settings(CACHES={"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}})
def test_a_cache_that_forgets_is_told() -> None:
    assert sentence("cache") == (False, "the cache does not keep what it is given; look at REDIS_URL")


@pytest.mark.django_db
@override_settings(CELERY_BROKER_URL="filesystem://here", CELERY_BROKER_TRANSPORT_OPTIONS={"data_folder_out": "/gone"})
def test_a_queue_whose_folder_is_gone_is_told() -> None:
    assert sentence("broker") == (False, "the queue's folder is gone")


@pytest.mark.postgresql
@pytest.mark.django_db
def test_a_role_that_row_level_security_does_not_bind_is_told() -> None:
    well, told = sentence("roles")
    assert (well, "is a superuser and passes row-level security by" in told) == (False, True)


def test_the_numbers_prometheus_asks_for(tenant: Tenant, beating: None) -> None:
    outbox.post("verso.test", about=tenant, due_at=timezone.now() - timedelta(minutes=2))
    found = {sample.name: sample.value for metric in numbers.registry().collect() for sample in metric.samples}
    assert found.keys() == {
        "verso_outbox_waiting",
        "verso_outbox_parked",
        "verso_outbox_oldest_due_seconds",
        "verso_heartbeat_age_seconds",
    }
    assert (found["verso_outbox_waiting"], found["verso_outbox_parked"]) == (1, 0)
    assert found["verso_outbox_oldest_due_seconds"] == pytest.approx(120, abs=10)
