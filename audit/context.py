"""Who acts now: one context variable that every door sets and the ledger, logs and limits read.

The web sets it in middleware, Celery from message headers, commands from `--actor`.
"""

import ipaddress
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

Door = Literal["web", "admin", "task", "command", "beat"]


class Actor(NamedTuple):
    """Somebody or something that acts: `kind` is user, customer, anonymous or system; `id` a random id."""

    kind: str
    id: str = ""


def unquestioned() -> None:
    """Nothing to look at again."""


SYSTEM = Actor("system")
ANONYMOUS = Actor("anonymous")


@dataclass(frozen=True, slots=True)
class Acting:
    """The frame an act happens in. `actor` may be bound late: sign-in happens inside a request."""

    actor: Actor | Callable[[], Actor] = SYSTEM
    on_behalf_of: str = ""
    tenant_id: str = ""
    across_tenants: bool = False
    request_id: str = ""
    trace_id: str = ""
    client_ip: str = ""
    user_agent: str = ""
    door: Door = "command"
    # Asked before an act is written down; raises where whoever acts may no longer do so (a session that was ended).
    confirm: Callable[[], None] = unquestioned

    @property
    def network(self) -> str:
        """Whom limits count: the client's address, an IPv6 one as its /64; "" where there is none."""
        return network_of(self.client_ip)

    def who(self) -> Actor:
        """The actor at this very moment."""
        return self.actor if isinstance(self.actor, Actor) else self.actor()

    def known(self) -> Actor:
        """The actor as far as known without asking the database: what log lines may read at any time."""
        if isinstance(self.actor, Actor):
            return self.actor
        peek: Callable[[], Actor] = getattr(self.actor, "peek", lambda: ANONYMOUS)
        return peek()

    def for_whom(self) -> str:
        """On whose behalf, as `user:<id>`; a late-bound actor may know it (somebody seeing as somebody else)."""
        late: Callable[[], str] = getattr(self.actor, "on_behalf_of", lambda: "")
        return self.on_behalf_of or late()

    def headers(self) -> dict[str, Any]:
        """The frame as plain JSON, to travel with a task. The right to look across tenants stays behind."""
        return {
            "actor": list(self.who()),
            "on_behalf_of": self.for_whom(),
            "tenant_id": self.tenant_id,
            "request_id": self.request_id,
            "trace_id": self.trace_id,
            "client_ip": self.client_ip,
            "user_agent": self.user_agent,
        }


def network_of(client_ip: str) -> str:
    """An address as limits count it: whoever has one IPv6 address has the other 2^64 of its network too."""
    try:
        address = ipaddress.ip_address(client_ip)
    except ValueError:
        return ""
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network(f"{address}/64", strict=False).network_address)


_acting: ContextVar[Acting] = ContextVar("acting", default=Acting())  # noqa: B039 - frozen


def current() -> Acting:
    """The frame in force."""
    return _acting.get()


def current_request_id() -> str:
    """The request id of the frame in force, "" outside any request (`AUDITLOG_CID_GETTER` points here)."""
    return _acting.get().request_id


@contextmanager
def acting(**changes: Any) -> Iterator[Acting]:
    """Change parts of the frame inside a `with` block; the outer frame returns afterwards."""
    frame = replace(_acting.get(), **changes)
    token = _acting.set(frame)
    try:
        yield frame
    finally:
        _acting.reset(token)


def from_headers(headers: Mapping[str, Any], *, door: Door) -> Acting:
    """The frame a task was published in, seen from the worker. Missing parts are those of the system itself."""
    kind, identity = (*headers.get("actor", SYSTEM), "", "")[:2]

    def text(name: str) -> str:
        return str(headers.get(name) or "")

    return Acting(
        actor=Actor(str(kind), str(identity)),
        on_behalf_of=text("on_behalf_of"),
        tenant_id=text("tenant_id"),
        request_id=text("request_id"),
        trace_id=text("trace_id"),
        client_ip=text("client_ip"),
        user_agent=text("user_agent"),
        door=door,
    )


@contextmanager
def restored(frame: Acting) -> Iterator[Acting]:
    """Act inside a whole frame kept from elsewhere; the outer frame returns afterwards."""
    token = _acting.set(frame)
    try:
        yield frame
    finally:
        _acting.reset(token)
