"""Which tenant is acted in. The tenant lives in `audit.context` and nowhere else.

`within(tenant)` enters one; `across()` is for operator code that serves several and says so.
Nothing active is an error (`NoTenant`), never all rows. What is read often (hosts, the tenant's own row) is
kept in the process for TENANT_CACHE_SECONDS and forgotten as soon as this process changes it.
"""

import copy
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.db import models

from audit import context
from governance import conf

if TYPE_CHECKING:
    from accounts.models import Tenant


class NoTenant(RuntimeError):
    """Tenant rows were asked for while no tenant is active: a bug in the caller, refused."""


class NotAcross(RuntimeError):
    """`across_tenants` was used outside `tenancy.across()`."""


class AnotherTenant(RuntimeError):
    """A row of one tenant was to be written or read while another is active: a bug in the caller, refused."""


_as_id = lru_cache(maxsize=1024)(UUID)


# --- the frame -------------------------------------------------------------------------------------------------------
def current_id() -> UUID:
    """The active tenant's id. Refuses with `NoTenant`."""
    tenant_id = context.current().tenant_id
    if not tenant_id:
        raise NoTenant("No tenant is active here. Enter one with `tenancy.within(tenant)`.")
    return _as_id(tenant_id)


def current_id_or_none() -> UUID | None:
    """The active tenant's id, or None where the platform itself acts."""
    tenant_id = context.current().tenant_id
    return _as_id(tenant_id) if tenant_id else None


def require(tenant_id: UUID | None) -> None:
    """Refuse unless rows of this tenant may be touched now: `NoTenant`, or `AnotherTenant`."""
    if tenant_id != current_id():
        raise AnotherTenant("This row belongs to another tenant than the one active here.")


def may_read(tenant_id: UUID) -> bool:
    """Whether a row of this tenant may be read now: it is the active one, or the frame is `across()`."""
    frame = context.current()
    return frame.across_tenants or frame.tenant_id == str(tenant_id)


@contextmanager
def within(tenant: "Tenant | UUID | str") -> Iterator[None]:
    """Act inside one tenant; `across_tenants` closes again."""
    tenant_id = getattr(tenant, "pk", tenant)
    with context.acting(tenant_id=str(tenant_id), across_tenants=False):
        yield


@contextmanager
def across() -> Iterator[None]:
    """Act for the platform over all tenants' rows, through `Model.across_tenants` only."""
    with context.acting(tenant_id="", across_tenants=True):
        yield


# --- the tenant's row, and whose host it is --------------------------------------------------------------------------
class Kept:
    """A few answers kept for a short while: bounded, thread-safe, forgotten at once on request."""

    def __init__(self, *, seconds: Callable[[], float], most: Callable[[], int]) -> None:
        self._seconds, self._most = seconds, most
        self._kept: OrderedDict[Any, tuple[float, Any]] = OrderedDict()
        self._lock = threading.Lock()
        self.epoch = 0

    def get(self, key: Any) -> Any | None:
        """What was kept, or None once it is too old."""
        held = self._kept.get(key)
        return held[1] if held and held[0] > time.monotonic() else None

    def put(self, key: Any, value: Any, *, epoch: int) -> None:
        """Keep an answer read in `epoch`; an answer read before the last `forget` is dropped."""
        with self._lock:
            if epoch != self.epoch:
                return
            self._kept[key] = (time.monotonic() + self._seconds(), value)
            self._kept.move_to_end(key)
            while len(self._kept) > self._most():
                self._kept.popitem(last=False)

    def answer(self, key: Any, ask: Callable[[], Any]) -> Any:
        """What was kept, or else what `ask` says now."""
        value = self.get(key)
        if value is None:
            epoch = self.epoch
            value = ask()
            self.put(key, value, epoch=epoch)
        return value

    def forget(self) -> None:
        """Believe nothing kept so far, nor anything being read at this moment."""
        with self._lock:
            self._kept.clear()
            self.epoch += 1


_believed = Kept(seconds=lambda: float(conf.get("TENANT_CACHE_SECONDS")), most=lambda: 1024)
forget = _believed.forget


class Host(NamedTuple):
    """The answer to "whose host is this?": nobody's when `tenant_id` is None."""

    tenant_id: UUID | None


def tenant_model() -> type[models.Model]:
    """The model named by `settings.TENANT_MODEL`."""
    return apps.get_model(settings.TENANT_MODEL)


def _row(tenant_id: UUID) -> models.Model:
    return tenant_model()._default_manager.get(pk=tenant_id)


def current() -> "Tenant":
    """The active tenant's row, a copy of the caller's own. Refuses with `NoTenant`."""
    tenant_id = current_id()
    tenant: Tenant = copy.copy(_believed.answer(("row", tenant_id), lambda: _row(tenant_id)))
    return tenant


def _look_up(host: str) -> Host:
    """Ask for the open tenant of a host, and keep its row, since the page will want it."""
    domains = apps.get_model(settings.TENANT_DOMAIN_MODEL)._default_manager.select_related("tenant")
    epoch = _believed.epoch
    domain: Any = domains.filter(host=host, tenant__is_active=True).first()
    if domain is None:
        return Host(None)
    _believed.put(("row", domain.tenant_id), domain.tenant, epoch=epoch)
    return Host(domain.tenant_id)


def of_host(host: str) -> UUID | None:
    """The open tenant that answers on exactly this host (lower case, no port), or None."""
    answer: Host = _believed.answer(("host", host), lambda: _look_up(host))
    return answer.tenant_id
