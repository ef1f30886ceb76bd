"""No request a stranger, or signed-in staff, can send gives a 5xx: every address, nonsense everywhere.

The addresses are read from the URL configuration itself, so a new one is fuzzed the day it is written.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.contrib import admin
from django.contrib.auth import SESSION_KEY
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from accounts.models import Tenant, User

pytestmark = pytest.mark.fuzz
PARAMETER = re.compile(r"<(?:\w+:)?\w+>|\(\?P<\w+>(?:[^()]|\([^()]*\))*\)|\((?:[^()]|\([^()]*\))*\)")
TRICKY = [
    "", "0", "-1", "9" * 40, "null", "NaN", "1e999", "2026-02-30", "2026-13-01", "0000-00-00", "9999-12-31",
    "2026-11-23", "0001-01-01", "9999-12-31T23:59Z", "2026-11-23T10:00Z", "2026-03-29T02:30Z", "Europe/Madrid",
    "../../etc/passwd", "Mars/Olympus", "UTC\x00", "\x00", "\u202e", "\ud800", "ñ" * 300,
    "<script>alert(1)</script>", "' OR 1=1 --", "%", "%00", "%s%n", "{{7*7}}", "any",
    "00000000-0000-0000-0000-000000000000", "a@b.example", "+34600000000", "day", "week", "__proto__", "A" * 5000,
]  # fmt: skip
NAMES = """
    from to tz with start name email phone timezone note accept_terms request_id view on q p o e all next page
    after before subject text message lang language action _popup _to_field _selected_action id__exact status
    status__exact service app_label model_name field_name term auth-username auth-password token-otp_token
    login_view-current_step _changelist_filters customer__name__startswith reason occurred_at__gte actor
    object object_id outcome person
""".split()  # noqa: SIM905
HOSTS = ["testserver"] * 12 + [
    "nobody.example",
    "",
    "a" * 300,
    "[::1",
    "localhost:99999",
    "ho st",
    "testserver.",
    "-",
    "\x00",
]
FORM = "application/x-www-form-urlencoded"
METHODS = ["GET", "GET", "GET", "POST", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"]


def addresses(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[str]:
    """Every address of the project, its parameters still in place."""
    for pattern in patterns:
        here = prefix + str(pattern.pattern).lstrip("^").rstrip("$").removesuffix(r"\Z").replace("\\", "")
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, here)
        else:
            yield here


ADDRESSES = sorted(set(addresses(get_resolver().url_patterns)))
value = st.one_of(st.sampled_from(TRICKY), st.text(max_size=40))
fields = st.dictionaries(st.sampled_from(NAMES), value, max_size=6)
kinds = st.sampled_from(
    ["application/json", "text/plain", "multipart/form-data; boundary=x", "multipart/form-data", "x", ""]
)
FUZZ = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@st.composite
def nonsense(draw: st.DrawFn) -> dict[str, Any]:
    """One request without its address: what fills the holes, a query, a body, a method and a host."""
    form = draw(st.one_of(fields, st.none()))
    sent = (FORM, encoded(form)) if form is not None else draw(st.tuples(kinds, st.binary(max_size=120)))
    return {
        "holes": draw(st.lists(value, min_size=4, max_size=4)),
        "query": encoded(draw(fields)),
        "kind": sent[0],
        "body": sent[1],
        "method": draw(st.sampled_from(METHODS)),
        "host": draw(st.sampled_from(HOSTS)),
    }


def encoded(form: dict[str, str]) -> str:
    """The form as a rude client would put it on the wire: lone surrogates included."""
    return urlencode({name: text.encode("utf-8", "surrogatepass") for name, text in form.items()})


def filled(address: str, holes: list[str]) -> str:
    """The address with nonsense in each of its holes, percent-encoded half of the time."""
    for number, hole in enumerate(PARAMETER.findall(address)):
        filling = holes[number % len(holes)].encode("utf-8", "surrogatepass")
        address = address.replace(hole, quote(filling, safe="") if number % 2 else quote(filling), 1)
    return "/" + address


def ask(client: Client, address: str, request: dict[str, Any]) -> int:
    """Send one nonsense request; its status."""
    answer = client.generic(
        request["method"],
        filled(address, request["holes"]),
        request["body"],
        request["kind"],
        QUERY_STRING=request["query"],
        HTTP_HOST=request["host"],
    )
    return answer.status_code


PROBES = ("healthz", "readyz", "metrics")  # asked by address, not by name


def test_an_unknown_host_is_404_at_every_address_but_the_probes(tenant: Tenant) -> None:
    asked = {"holes": ["x"], "query": "", "kind": FORM, "body": b"", "host": "nobody.example"}
    answers = {
        (address, method): ask(Client(), address, asked | {"method": method})
        for address in ADDRESSES
        if address not in PROBES
        for method in ("GET", "POST")
    }
    assert {where: status for where, status in answers.items() if status != 404} == {}
    assert len(answers) > 100


@pytest.mark.parametrize("address", ADDRESSES)
@FUZZ
@given(request=nonsense())
@example(request={"holes": ["x"], "query": "", "kind": "", "body": b"", "method": "GET", "host": "testserver"})
def test_a_stranger_never_meets_a_5xx(tenant: Tenant, address: str, request: dict[str, Any]) -> None:
    assert ask(Client(raise_request_exception=False), address, request) < 500


@pytest.fixture
def inside(owner: User, enter: Callable[[User], Client]) -> Callable[[], Client]:
    """The owner's client, come in anew whenever nonsense has put them out."""
    clients: list[Client] = []

    def client() -> Client:
        if not clients or SESSION_KEY not in clients[-1].session:
            clients.append(enter(owner))
            clients[-1].raise_request_exception = False
        return clients[-1]

    return client


@pytest.mark.parametrize("address", ADDRESSES)
@FUZZ
@given(request=nonsense())
@example(request={"holes": ["x"], "query": "", "kind": "", "body": b"", "method": "GET", "host": "testserver"})
def test_the_owner_never_meets_a_5xx(inside: Callable[[], Client], address: str, request: dict[str, Any]) -> None:
    assert ask(inside(), address, request) < 500


LISTS = {str(model._meta.label_lower): model for model in admin.site._registry}
NO_IDS = ["abc", "\x00", "%ff", "", "-1", "1.5", "9" * 40, "٣", "00000000-0000-0000-0000-000000000000"]


@pytest.mark.parametrize("label", LISTS)
def test_rows_that_cannot_be_are_not_chosen(label: str, owner: User, enter: Callable[[User], Client]) -> None:
    owner.is_operator = True
    owner.save()
    client = enter(owner)
    client.raise_request_exception = False
    options, model_admin = LISTS[label]._meta, admin.site._registry[LISTS[label]]
    address = reverse(f"admin:{options.app_label}_{options.model_name}_changelist")
    request = client.get(address).wsgi_request
    for action in ["nonsense", *(model_admin.get_actions(request) if client.get(address).status_code == 200 else ())]:
        for more in ({}, {"post": "yes"}, {"apply": "1", "reason": "x"}):
            answer = client.post(address, {"action": action, "_selected_action": NO_IDS, "index": "0", **more})
            assert answer.status_code < 500, (action, more)
