"""Logs say who, where and how long in random ids; nothing anybody typed and no secret reaches them."""

import json
import logging
import logging.config
from collections.abc import Iterator
from io import StringIO

import pytest
import structlog
from django.http import HttpRequest
from django.test import Client, override_settings
from django.urls import path

from audit import context
from verso.telemetry import logs, masking

CANARIES = {
    "name": "Wilhelmina Canary",
    "email": "wilhelmina.canary@mail.example",
    "phone": "+34 600 123 456",
    "password": "correct-horse-battery-staple",
    "note": "my left knee hurts since Tuesday",
    "token": "Zk3x9QvT1mLr8wYp2nBs7A",
}


@pytest.fixture
def lines() -> Iterator[StringIO]:
    """What production would write, captured."""
    written = StringIO()
    configuration = logs.configuration("DEBUG", "json")
    configuration["handlers"]["stderr"]["stream"] = written
    logging.config.dictConfig(configuration)
    yield written
    logging.config.dictConfig(logs.configuration("INFO", "console"))


def told(written: StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def fails(request: HttpRequest, token: str) -> None:
    note = request.POST["note"]
    logging.getLogger("someone.else").warning("could not book for %s", request.POST["email"])
    raise ValueError(f"{request.POST['name']} wrote {note}")


urlpatterns = [path("b/<str:token>/cancel/", fails)]
ONLY_LOGS = ["verso.telemetry.middleware.RequestLogMiddleware"]


@override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=ONLY_LOGS)
def test_a_request_that_breaks_quotes_nothing_of_what_was_sent(lines: StringIO) -> None:
    address = f"/b/{CANARIES['token']}/cancel/?email={CANARIES['email']}&secret={CANARIES['password']}"
    headers = {"authorization": f"Bearer {CANARIES['token']}", "cookie": f"session={CANARIES['token']}"}
    response = Client(raise_request_exception=False).post(address, CANARIES, headers=headers)
    assert response.status_code == 500
    assert [value for value in CANARIES.values() if value in lines.getvalue()] == []
    request_line = next(line for line in told(lines) if line["logger"] == "verso.request")
    assert request_line["duration_ms"] >= 0  # type: ignore[operator]
    assert {key: request_line[key] for key in ("event", "method", "route", "status", "level")} == {
        "event": "request",
        "method": "POST",
        "route": "/b/<str:token>/cancel/",
        "status": 500,
        "level": "info",
    }


def test_a_line_nobody_will_read_is_not_worked_on(lines: StringIO) -> None:
    worked_on: list[str] = []
    steps = [*structlog.get_config()["processors"][:-1], lambda _log, level, event: worked_on.append(level) or "kept"]
    quiet = logging.getLogger("quiet.corner")
    quiet.setLevel("ERROR")
    log = structlog.wrap_logger(quiet, processors=steps)
    log.info("counted")
    log.error("told")
    assert worked_on == ["error"]


@override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=ONLY_LOGS)
def test_what_broke_is_told_by_class_and_place(lines: StringIO) -> None:
    Client(raise_request_exception=False).post(f"/b/{CANARIES['token']}/cancel/", CANARIES)
    failure = next(line for line in told(lines) if line["level"] == "error")
    assert failure["event"] == "error in /b/<str:token>/cancel/"
    assert str(failure["exception"]).endswith("builtins.ValueError")
    assert "in fails" in str(failure["exception"])


def test_every_line_says_who_acts_where(lines: StringIO) -> None:
    with context.acting(request_id="r-1", trace_id="t-1", tenant_id="te-1", door="web"):
        structlog.get_logger("verso.test").info("hello", count=3)
        logging.getLogger("a.library").info("hello too")
    for line in told(lines):
        assert line.items() >= {"request_id": "r-1", "trace_id": "t-1", "tenant": "te-1", "door": "web"}.items()


@pytest.mark.parametrize(
    ("logger", "level", "message", "arguments"),
    [
        ("django.security.DisallowedHost", logging.ERROR, "Invalid HTTP_HOST header: %r", (CANARIES["email"],)),
        ("django.request", logging.WARNING, "Not Found: %s", (f"/b/{CANARIES['token']}/",)),
        ("gunicorn.error", logging.ERROR, "Error handling request %s", (f"/b/{CANARIES['token']}/?q=x",)),
        ("django.db.backends", logging.DEBUG, "(0.001) INSERT … args=%s", ((CANARIES["name"],),)),
        ("axes.handlers", logging.WARNING, "AXES: New login failure by %s", ({"username": CANARIES["email"]},)),
        ("botocore.auth", logging.DEBUG, "Signature: %s", (CANARIES["token"],)),
    ],
)
def test_libraries_quote_nothing(
    lines: StringIO, logger: str, level: int, message: str, arguments: tuple[object, ...]
) -> None:
    logging.getLogger(logger).log(level, message, *arguments)
    assert [value for value in CANARIES.values() if value in lines.getvalue()] == []


def test_a_failing_task_is_told_by_name_alone(lines: StringIO) -> None:
    try:
        raise ValueError(CANARIES["name"])
    except ValueError as error:
        data = {"name": "app.tasks.send", "id": "0b5a", "description": "raised unexpected", "args": f"({error!r},)"}
        logging.getLogger("celery.app.trace").error("Task %(args)s", data, exc_info=True, extra={"data": data})
    (line,) = told(lines)
    assert (line["event"], str(line["exception"]).splitlines()[-1]) == (
        "task app.tasks.send 0b5a raised unexpected",
        "builtins.ValueError",
    )
    assert CANARIES["name"] not in lines.getvalue()


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("mail to ana.perez+x@mail.example failed", "mail to [e-mail] failed"),
        ("call +34 600 123 456 now", "call [number] now"),
        ("GET /b/Zk3x9QvT1mLr8wYp2nBs7A/", "GET /b/[token]/"),
        ("GET /book/?name=Ana", "GET /book/?[query]"),
        ("redis://:hunter2@127.0.0.1:6379/0", "redis://[credentials]@127.0.0.1:6379/0"),
        ("password=hunter2 and more", "password=[secret] and more"),
        ("Authorization: Bearer", "Authorization: [secret]"),
        ("person 01890a5d-ac96-774b-bcce-b302099a8057 changed", "person 01890a5d-ac96-774b-bcce-b302099a8057 changed"),
        ("ImproperlyConfigured in test_release_expired_holds", "ImproperlyConfigured in test_release_expired_holds"),
        ("took 1234.5 ms on port 8000", "took 1234.5 ms on port 8000"),
        ("Booting worker with pid: 1234567", "Booting worker with pid: 1234567"),
    ],
)
def test_the_last_net(text: str, masked: str) -> None:
    assert masking.mask(text) == masked
