"""Tenants type the addresses this server calls: only https on the public internet is, and the name is asked once."""

import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from accounts import outgoing
from audit import breakers
from tests.sso import certificates
from tests.sso.forger import Forger, say

INSIDE = [
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "fd00::1",
    "::127.0.0.1",
    "::ffff:0:127.0.0.1",
    "fec0::1",
    "64:ff9b:1::7f00:1",
    "5f00::1",
    "192.0.0.192",
    "fe80::1",
    "ff02::1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "2002:a00:1::",
    "2001:0:a00:1::f5ff:fffe",
]
LOOPBACK = ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"]


def resolver(*answers: list[str]) -> Any:
    """A name service that gives these answers to names one after the other, the last one for ever."""
    left, real = list(answers), socket.getaddrinfo

    def look_up(host: Any, port: Any, *more: Any, **options: Any) -> list[Any]:
        if host[0].isdigit():  # numbers are no names
            return real(host, port, *more, **options)
        found = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    return look_up


def written(address: str) -> str:
    return f"https://[{address}]/" if ":" in address else f"https://{address}/"


@pytest.mark.parametrize("address", [*INSIDE, *LOOPBACK])
@override_settings(SSO_ALLOW_LOOPBACK=False)
def test_an_address_inside_the_house_is_not_called(address: str) -> None:
    with pytest.raises(outgoing.Forbidden) as refusal:
        outgoing.call(written(address))
    assert refusal.value.why == "private address"


@pytest.mark.parametrize("address", [*INSIDE, *LOOPBACK])
@override_settings(SSO_ALLOW_LOOPBACK=False)
def test_nor_one_that_a_name_leads_to(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", resolver([address]))
    with pytest.raises(outgoing.Forbidden):
        outgoing.call("https://idp.example/")


@override_settings(SSO_ALLOW_LOOPBACK=False)
def test_one_address_inside_among_others_forbids_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", resolver(["93.184.216.34", "10.0.0.1"]))
    with pytest.raises(outgoing.Forbidden):
        outgoing.call("https://idp.example/")


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "0177.0.0.1", "localhost", "localhost."])
@override_settings(SSO_ALLOW_LOOPBACK=False)
def test_another_spelling_of_this_machine_is_not_called(host: str) -> None:
    with pytest.raises(outgoing.Unreachable):
        outgoing.call(f"https://{host}/")


@pytest.mark.parametrize("address", INSIDE)
def test_loopback_may_be_allowed_and_nothing_else_with_it(address: str) -> None:
    with pytest.raises(outgoing.Forbidden):
        outgoing.call(written(address))


@pytest.mark.parametrize(
    "url",
    [
        "http://idp.example/",
        "http://93.184.216.34/",
        "ftp://idp.example/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "//idp.example/",
        "idp.example",
        "",
        "https://",
        "https:///path",
        "https://user:pass@idp.example/",
        "https://idp.example@127.0.0.1/",
        "https://idp.example:0/",
        "https://idp.example:99999/",
        "https://idp.example/#part",
        "https://idp.example/\r\nX: y",
        "https://idp.example/ path",
        "https://idp.example\\@127.0.0.1/",
        "https://ídp.example/",
        "https://[::1/",
    ],
)
def test_a_malformed_address_is_not_called(url: str) -> None:
    with pytest.raises(outgoing.Forbidden):
        outgoing.permitted(url)


def test_a_name_is_asked_once_and_the_checked_address_is_called(liar: Forger, monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: the second answer would lead inside, and nobody asks for it."""
    port = int(liar.issuer.rpartition(":")[2])
    monkeypatch.setattr(socket, "getaddrinfo", resolver(["127.0.0.1"], ["10.255.255.1"]))
    assert outgoing.call(f"http://localhost:{port}/jwks").status == 200
    with pytest.raises(outgoing.Forbidden):
        outgoing.call(f"http://localhost:{port}/jwks")
    assert liar.asked == ["/jwks"]


def test_the_next_address_is_tried_when_the_first_does_not_answer(
    liar: Forger, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = int(liar.issuer.rpartition(":")[2])
    monkeypatch.setattr(socket, "getaddrinfo", resolver(["127.0.0.9", "127.0.0.1"]))
    assert outgoing.call(f"http://localhost:{port}/jwks").status == 200


def test_a_name_nobody_knows() -> None:
    with pytest.raises(outgoing.Unreachable) as refusal:
        outgoing.call("https://nobody.invalid/")
    assert refusal.value.why == "unknown host"


def test_nobody_listens() -> None:
    with pytest.raises(outgoing.Unreachable) as refusal:
        outgoing.call("http://127.0.0.1:9/")
    assert refusal.value.why == "ConnectError"


def test_a_packed_answer_is_not_unpacked(liar: Forger) -> None:
    """A few kilobytes can unpack to gigabytes; nothing packed was asked for."""

    def packed(request: Any) -> None:
        assert request.headers["Accept-Encoding"] == "identity"
        request.send_response(200)
        request.send_header("Content-Encoding", "gzip")
        request.end_headers()
        request.wfile.write(b"\x1f\x8b")

    liar.answers["/jwks"] = packed
    with pytest.raises(outgoing.Unreachable):
        outgoing.call(f"{liar.issuer}/jwks").document()


def test_a_proxy_in_the_environment_is_not_used(liar: Forger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a proxy, nobody here would know which address was called."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert outgoing.call(f"{liar.issuer}/jwks").status == 200


# --- the certificate is the name's -----------------------------------------------------------------------------------
@pytest.fixture
def secured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A server on loopback whose certificate names `idp.example`, issued by an authority that is trusted here."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            say(self, {"host": self.headers["Host"]})

        def log_message(self, *_words: Any) -> None:
            """Quietly."""

    pair = certificates.make("idp.example", folder=tmp_path)
    server = HTTPServer(("127.0.0.1", 0), Handler)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pair)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(outgoing, "_tls", lambda: ssl.create_default_context(cafile=str(pair)))
    monkeypatch.setattr(socket, "getaddrinfo", resolver(["127.0.0.1"]))
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_the_certificate_is_checked_for_the_name(secured: int) -> None:
    answer = outgoing.call(f"https://idp.example:{secured}/")
    assert answer.document() == {"host": f"idp.example:{secured}"}


def test_the_certificate_of_another_name_is_refused(secured: int) -> None:
    with pytest.raises(outgoing.Unreachable) as refusal:
        outgoing.call(f"https://other.example:{secured}/")
    assert refusal.value.why == "ConnectError"


def test_a_forbidden_address_leaves_nothing_behind() -> None:
    """Tenants name the destinations; what is kept about them does not grow with what they may not call."""
    before = breakers.to.cache_info().currsize
    for number in range(3):
        with pytest.raises(outgoing.Forbidden):
            outgoing.call(f"https://10.0.0.{number}/")
    assert breakers.to.cache_info().currsize == before
