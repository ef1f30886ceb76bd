"""Every request has a frame: who, from where, through which door, under which id."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import Tenant, User
from audit import context

pytestmark = pytest.mark.urls("tests.audit.pages")
TRACE = "0af7651916cd43dd8448eb211c80319c"


def seen(client: Client, path: str = "/frame/", **extra: Any) -> dict[str, Any]:
    answer = client.get(path, **extra)
    assert answer.status_code == 200
    told: dict[str, Any] = answer.json()
    return {**told, "answered": answer["X-Request-ID"]}


# --- ids ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("sent", ["abcdefgh", "A-1.b_2" + "x" * 50, "0" * 64])
def test_a_well_formed_request_id_is_kept(tenant: Tenant, client: Client, sent: str) -> None:
    told = seen(client, headers={"x-request-id": sent})
    assert (told["request_id"], told["answered"]) == (sent, sent)


@pytest.mark.parametrize(
    "sent", ["", "short", "x" * 65, "with space", "<script>", "línea-larga", "a\tbcdefghi", "12345678\r"]
)
def test_any_other_is_replaced(tenant: Tenant, client: Client, sent: str) -> None:
    told = seen(client, HTTP_X_REQUEST_ID=sent)
    assert told["request_id"] == told["answered"] != sent
    assert len(told["request_id"]) == 32


def test_errors_and_unknown_hosts_carry_an_id_too(tenant: Tenant) -> None:
    client = Client(raise_request_exception=False)
    for path, host in (("/nowhere/", "testserver"), ("/broken/", "testserver"), ("/", "unknown.example")):
        assert len(client.get(path, headers={"host": host})["X-Request-ID"]) == 32


@pytest.mark.parametrize(
    "sent", [f"00-{TRACE}-b7ad6b7169203331-01", f"cc-{TRACE}-b7ad6b7169203331-01-what-comes-later"]
)
def test_a_trace_goes_on(tenant: Tenant, client: Client, sent: str) -> None:
    told = seen(client, headers={"traceparent": sent})
    assert told["trace_id"] == TRACE


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "nonsense",
        f"ff-{TRACE}-b7ad6b7169203331-01",
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-b7ad6b7169203331-01",
        f"00-{TRACE}-b7ad6b7169203331-01-more",
    ],
)
def test_a_malformed_trace_is_begun_anew(tenant: Tenant, client: Client, sent: str) -> None:
    told = seen(client, headers={"traceparent": sent})
    assert told["trace_id"] != TRACE
    assert len(told["trace_id"]) == 32


# --- where from -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("proxies", "peer", "forwarded", "expected"),
    [
        (0, "192.0.2.1", "", "192.0.2.1"),
        (0, "192.0.2.1", "203.0.113.9", "192.0.2.1"),
        (1, "10.0.0.1", "203.0.113.9", "203.0.113.9"),
        (1, "10.0.0.1", "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        (2, "10.0.0.1", "6.6.6.6, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        (2, "10.0.0.1", "203.0.113.9", "10.0.0.1"),
        (1, "10.0.0.1", "", "10.0.0.1"),
        (1, "10.0.0.1", "nonsense", "10.0.0.1"),
        (1, "10.0.0.1", "203.0.113.9:4711", "203.0.113.9"),
        (1, "10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
        (1, "10.0.0.1", "2001:DB8:0::1", "2001:db8::1"),
        (1, "10.0.0.1", "fe80::1%eth0", "fe80::1"),
        (0, "::ffff:192.0.2.1", "", "192.0.2.1"),
        (1, "", "203.0.113.9", "203.0.113.9"),
        (0, "", "203.0.113.9", ""),
    ],
)
def test_one_rule_says_who_the_visitor_is(
    tenant: Tenant, client: Client, settings: Any, proxies: int, peer: str, forwarded: str, expected: str
) -> None:
    settings.TRUSTED_PROXY_COUNT = proxies
    extra = {"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {}
    told = seen(client, REMOTE_ADDR=peer, **extra)
    assert (told["client_ip"], told["remote_addr"]) == (expected, expected)


def test_a_browser_is_known_by_its_first_two_hundred_signs(tenant: Tenant, client: Client) -> None:
    assert seen(client, HTTP_USER_AGENT="x\x1b[31m" + "y" * 500)["user_agent"] == ("x[31m" + "y" * 500)[:200]


def test_the_admin_is_another_door(tenant: Tenant, client: Client) -> None:
    assert (seen(client)["door"], seen(client, "/admin/frame/")["door"]) == ("web", "admin")


# --- who ------------------------------------------------------------------------------------------------------------
def test_nobody_is_looked_for_without_a_session_cookie(tenant: Tenant, client: Client) -> None:
    told = seen(client)
    assert (told["actor"], told["known"], told["touched"]) == (["anonymous", ""], ["anonymous", ""], False)
    answer = client.get("/plain/")
    assert not answer.cookies


def test_who_signed_in_is_known(manager: User, enter: Callable[..., Client]) -> None:
    told = seen(enter(manager))
    assert told["actor"] == ["user", str(manager.pk)]


def test_the_frame_ends_with_the_request(tenant: Tenant, client: Client) -> None:
    before = context.current()
    seen(client)
    assert context.current() == before
