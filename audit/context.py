"""Who acts now: one context variable that every door sets and the ledger, logs and limits read.

The web sets it in middleware, Celery from message headers, commands from `--actor`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

Door = Literal["web", "admin", "task", "command", "beat"]


class Actor(NamedTuple):
    """Somebody or something that acts: `kind` is user, customer, anonymous or system; `id` a random id."""

    kind: str
    id: str = ""


SYSTEM = Actor("system")


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

    def who(self) -> Actor:
        """The actor at this very moment."""
        return self.actor if isinstance(self.actor, Actor) else self.actor()


_acting: ContextVar[Acting] = ContextVar("acting", default=Acting())  # noqa: B039 - frozen


def current() -> Acting:
    """The frame in force."""
    return _acting.get()


@contextmanager
def acting(**changes: Any) -> Iterator[Acting]:
    """Change parts of the frame inside a `with` block; the outer frame returns afterwards."""
    frame = replace(_acting.get(), **changes)
    token = _acting.set(frame)
    try:
        yield frame
    finally:
        _acting.reset(token)
