"""Calls to addresses that tenants typed: https only, none inside the house, short, small and behind a breaker.

The name is looked up once, every address it has is checked, and the connection goes to a checked one: a name that
answers differently the second time (DNS rebinding) gains nothing. Redirects are not followed.
"""

import ipaddress
import json
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from ssl import SSLContext
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit, urlunsplit

import httpx
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts import conf
from audit import breakers
from governance import tenancy

# Addresses of IPv6 that carry an IPv4 one: NAT64 (RFC 6052) in its last 32 bits.
NAT64 = ipaddress.ip_network("64:ff9b::/96")
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
PROTOCOL_ASSIGNMENTS = ipaddress.ip_network("192.0.0.0/24")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Unreachable(ValidationError):
    """No usable answer. `why` is a word for the ledger, without anything the other side sent."""

    def __init__(self, why: str) -> None:
        super().__init__(_("The provider cannot be reached at the moment. Please try again shortly."), code="away")
        self.why = why


class Forbidden(Unreachable):
    """An address that is not https, or lies inside the house."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        sentence = _("Only https addresses on the public internet are called, without user name or password in them.")
        ValidationError.__init__(self, sentence, code="forbidden_address")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole."""

    status: int
    kind: str
    body: bytes

    def document(self) -> dict[str, Any]:
        """The body as a JSON object. Refuses everything else with `Unreachable`."""
        try:
            read = json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise Unreachable("not JSON") from error
        if not isinstance(read, dict):
            raise Unreachable("not a JSON object")
        return read


def permitted(url: str) -> SplitResult:
    """The address in its parts. Refuses with `Forbidden` what no look-up could make acceptable."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError as error:
        raise Forbidden("malformed address") from error
    if not host or port == 0 or parts.username is not None or parts.fragment or not url.isascii() or not _plain(url):
        raise Forbidden("malformed address")
    if parts.scheme != "https" and not (parts.scheme == "http" and _loopback_allowed() and _is_loopback_name(host)):
        raise Forbidden("not https")
    literal = _literal(host)
    if literal is not None and not _may_call(literal):
        raise Forbidden("private address")
    return parts


def call(url: str, *, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None) -> Answer:
    """GET, or POST a form. Refuses `Forbidden` addresses, and whatever is down, slow or too large as `Unreachable`."""
    parts = permitted(url)
    addresses = _checked(parts)
    try:
        return breakers.call(_destination(parts), _ask, parts, addresses, form, headers or {})
    except breakers.Open as error:
        raise Unreachable("left alone after failures") from error
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise Unreachable(type(error).__name__) from error


def _destination(parts: SplitResult) -> str:
    """How a breaker knows it: one tenant's failures close nobody else's way, and no label holds what somebody typed."""
    return f"sso:{sha256(f'{tenancy.current_id_or_none()} {parts.netloc}'.encode()).hexdigest()[:12]}"


def basic(name: str, secret: str) -> dict[str, str]:
    """The header that carries a client's id and secret (RFC 6749 §2.3.1: form-encoded before they are joined)."""
    request = httpx.Request("GET", "https://unused.invalid")
    flow = httpx.BasicAuth(quote(name, safe=""), quote(secret, safe="")).auth_flow(request)
    return {"Authorization": next(flow).headers["Authorization"]}


# --- which addresses -------------------------------------------------------------------------------------------------
def _plain(url: str) -> bool:
    return all(sign.isprintable() and not sign.isspace() and sign != "\\" for sign in url)


def _loopback_allowed() -> bool:
    return bool(settings.SSO_ALLOW_LOOPBACK)


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _is_loopback_name(host: str) -> bool:
    literal = _literal(host)
    return host == "localhost" if literal is None else literal.is_loopback


def _may_call(address: Address) -> bool:
    inner = _carried(address)
    if inner is not None:
        return _may_call(inner)
    if address.is_loopback:
        return _loopback_allowed()
    if isinstance(address, ipaddress.IPv6Address) and address not in GLOBAL_UNICAST:
        return False
    return address.is_global and not address.is_multicast and address not in PROTOCOL_ASSIGNMENTS


def _carried(address: Address) -> Address | None:
    """The IPv4 address that travels inside an IPv6 one."""
    if not isinstance(address, ipaddress.IPv6Address):
        return None
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def _checked(parts: SplitResult) -> list[str]:
    """Every address of the host. Refuses with `Forbidden` when one of them may not be called."""
    try:
        found = socket.getaddrinfo(parts.hostname, _port(parts), type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable("unknown host") from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for address in addresses:
        literal = _literal(address)
        if literal is None or not _may_call(literal):
            raise Forbidden("private address")
    return addresses


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


# --- the call itself -------------------------------------------------------------------------------------------------
@cache
def _tls() -> SSLContext:
    return httpx.create_ssl_context()


def _ask(
    parts: SplitResult, addresses: list[str], form: Mapping[str, str] | None, headers: Mapping[str, str]
) -> Answer:
    """The first address that can be connected to answers; what it says, however wrong, is the answer."""
    for address in addresses[:-1]:
        try:
            return _ask_at(address, parts, form, headers)
        except httpx.ConnectError:
            continue
    return _ask_at(addresses[-1], parts, form, headers)


def _ask_at(address: str, parts: SplitResult, form: Mapping[str, str] | None, headers: Mapping[str, str]) -> Answer:
    place = f"[{address}]" if ":" in address else address
    url = urlunsplit((parts.scheme, f"{place}:{_port(parts)}", parts.path or "/", parts.query, ""))
    own = {"Host": parts.netloc, "Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "verso"}
    until = time.monotonic() + conf.OUTGOING_SECONDS
    with (
        httpx.Client(trust_env=False, verify=_tls(), timeout=conf.OUTGOING_SECONDS / 2) as client,
        client.stream(
            "GET" if form is None else "POST",
            url,
            data=form,
            headers={**own, **headers},
            extensions={"sni_hostname": parts.hostname},  # the certificate must be the name's, not the number's
        ) as response,
    ):
        if response.status_code >= 500:
            raise httpx.HTTPStatusError(f"{response.status_code}", request=response.request, response=response)
        body = _read(response, until)
    return Answer(response.status_code, response.headers.get("content-type", "").partition(";")[0].strip(), body)


def _read(response: httpx.Response, until: float) -> bytes:
    """The body as sent: nothing is unpacked, nothing longer or slower than allowed is read to its end."""
    body = bytearray()
    for piece in response.iter_raw():
        body += piece
        if len(body) > conf.OUTGOING_BYTES:
            raise httpx.DecodingError("too large", request=response.request)
        if time.monotonic() > until:
            raise httpx.ReadTimeout("too slow", request=response.request)
    return bytes(body)
