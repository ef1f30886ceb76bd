"""Whatever a stranger sends to the booking pages, the answer is a sentence, never a breakdown."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client, override_settings
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Tenant
from scheduling.models import Appointment, Service
from tests.factories.scheduling import make_booking, make_service, on
from tests.scheduling_doors.conftest import ADDRESS

FINE = {200, 302, 303, 400, 403, 404, 405, 409, 413, 422, 429}
CALM = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
pytestmark = pytest.mark.fuzz
FIELDS = (
    "from", "to", "tz", "with", "start", "hold", "request_id", "name", "email", "phone", "timezone", "note",
    "accept_terms", "reason", "lang",
)  # fmt: skip
NASTY = [
    "", "\0", "a\0b", "\ud800", "../../etc/passwd", "' OR 1=1 --", "<script>", "{{7*7}}", "%00", "9" * 400, "-1",
    "1e309", "NaN", "x" * 20_000, "2026-02-30", "9999-12-31", "0000-00-00", "2026-11-26T09:00Z", "2026-11-26T99:99Z",
    "any", "2026-11-26T09:00:00+00:00", "２０２６-11-26", "00000000-0000-0000-0000-000000000000", "Europe/Madrid",
    "Europe", "Etc/GMT+99", "/etc/localtime", "a@b", "a@b.example\r\nBcc: c@d.example", "\u202e\u0000", "𝕏" * 300, "on",
]  # fmt: skip
bytewise = st.binary(max_size=40).map(lambda raw: raw.decode("latin-1"))
words = st.one_of(st.sampled_from(NASTY), st.text(max_size=60), bytewise)
queries = st.dictionaries(st.sampled_from(FIELDS), words, max_size=8)


@pytest.fixture
def paths(tenant: Tenant) -> list[str]:
    service = make_service(tenant, slug="consultation")
    booked = make_booking(
        service, start=on(timezone.now().date() + timedelta(days=3), "10:00"), at=timezone.now(), note="mine"
    )
    link = f"/b/{booked.token}/"
    own = [link, f"{link}cancel/", f"{link}reschedule/", f"{link}calendar.ics"]
    return ["/services/", "/book/", ADDRESS, f"{ADDRESS}openings.json", f"{ADDRESS}details/", *own]


def encoded(query: dict[str, str]) -> str:
    return "&".join(f"{name}={quote(value.encode('utf-8', 'surrogatepass'))}" for name, value in query.items())


@override_settings(RATE_LIMITS=False, RATELIMIT_ENABLE=False)
@CALM
@given(query=queries, method=st.sampled_from(["get", "post", "put", "delete", "patch", "options", "head"]))
def test_nonsense_in_addresses_and_forms(paths: list[str], query: dict[str, str], method: str) -> None:
    for path in paths:
        line = f"{path}?{encoded(query)}"
        body = {"data": encoded(query), "content_type": "application/x-www-form-urlencoded"} if method != "get" else {}
        answer = Client().generic(method.upper(), line, **body)
        assert answer.status_code in FINE, (method, line, answer.status_code)
        if method == "post" and path == ADDRESS:
            named = Client().generic("POST", path, **body, headers={"Idempotency-Key": query.get("name", "k")[:200]})
            assert named.status_code in FINE, (line, named.status_code)


@override_settings(RATE_LIMITS=False, RATELIMIT_ENABLE=False)
@CALM
@given(
    raw=st.binary(max_size=300),
    kind=st.sampled_from(
        [
            "application/x-www-form-urlencoded",
            "application/x-www-form-urlencoded; charset=utf-7",
            "application/json",
            "multipart/form-data",
            "multipart/form-data; boundary=x",
            "text/plain; charset=nonsense",
            "",
            "\x00",
        ]
    ),
)
def test_nonsense_in_bodies(paths: list[str], raw: bytes, kind: str) -> None:
    for path in paths:
        answer = Client().generic("POST", path, raw, content_type=kind, headers={"Idempotency-Key": "k"})
        assert answer.status_code in FINE, (path, kind, raw, answer.status_code)


@CALM
@given(slug=words, token=words)
def test_nonsense_in_paths(paths: list[str], slug: str, token: str) -> None:
    for path in (
        f"/book/{quote(slug.encode('utf-8', 'surrogatepass'))}/",
        f"/book/{quote(slug.encode('utf-8', 'surrogatepass'))}/openings.json",
        f"/b/{quote(token.encode('utf-8', 'surrogatepass'))}/",
        f"/b/{quote(token.encode('utf-8', 'surrogatepass'))}/calendar.ics",
    ):
        assert Client().get(path).status_code in {301, 302, 400, 404, 200}, path


@pytest.mark.parametrize("field", ["name", "email", "phone", "note", "timezone", "with", "start", "request_id", "hold"])
@pytest.mark.parametrize("value", NASTY)
def test_every_field_refuses_or_takes_nonsense_as_it_is(
    service: Service, typed: dict[str, str], field: str, value: str
) -> None:
    body: dict[str, Any] = {**typed, field: value}
    try:
        answer = Client().post(ADDRESS, encoded(body), content_type="application/x-www-form-urlencoded")
    except UnicodeEncodeError:
        pytest.fail(f"{field} broke on {value!r}")
    assert answer.status_code in {303, 409, 422}, (field, value)
    assert Appointment.objects.confirmed().count() == (answer.status_code == 303)


@pytest.mark.parametrize("key", ["", " ", "é", "x" * 101, "a b", "\x7f", "k" * 10_000])
def test_a_key_must_be_plain(service: Service, typed: dict[str, str], key: str) -> None:
    answer = Client().post(ADDRESS, {**typed, "request_id": ""}, headers={"Idempotency-Key": key})
    assert answer.status_code == (303 if not key.strip() else 422)


def test_an_hour_that_does_not_exist_or_happens_twice(tenant: Tenant) -> None:
    make_service(tenant, slug="consultation", window_days=700, opens="00:00", closes="06:00")
    for start in ("2027-03-28T01:30Z", "2027-10-31T00:30Z", "2027-10-31T01:30Z"):
        assert Client().get(f"{ADDRESS}details/", {"start": start}).status_code in {200, 422}
