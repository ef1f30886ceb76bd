"""What is demanded of sessions, factors and passwords here: the tighter of the platform's word and the tenant's."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

from accounts import conf
from accounts.models import SecurityPolicy
from governance import tenancy


@dataclass(frozen=True, slots=True)
class Demands:
    """Minutes, hours, days and characters as the policy's fields say them; the platform's are the defaults here."""

    idle_minutes: int = conf.IDLE // timedelta(minutes=1)
    absolute_hours: int = conf.ABSOLUTE // timedelta(hours=1)
    remember_days: int = conf.REMEMBER_DAYS
    second_factor: str = SecurityPolicy.SecondFactor.STAFF
    needs_security_key: bool = False
    step_up_minutes: int = conf.FRESH // timedelta(minutes=1)
    password_length: int = conf.PASSWORD_LENGTH
    password_history: int = conf.PASSWORD_HISTORY
    password_days: int = 0
    visitors_may_sign_up: bool = True


PLATFORM = Demands()


def _smaller_but_set(platform: int, tenant: int) -> int:
    """The shorter of two periods of which 0 means never."""
    return min(filter(None, (platform, tenant)), default=0)


def _both(platform: bool, tenant: bool) -> bool:
    return platform and tenant


def _either(platform: bool, tenant: bool) -> bool:
    return platform or tenant


def _wider(platform: str, tenant: str) -> str:
    everybody = SecurityPolicy.SecondFactor.EVERYBODY
    return everybody if everybody in (platform, tenant) else platform


_TIGHTER: dict[str, Callable[[Any, Any], Any]] = {
    "idle_minutes": min,
    "absolute_hours": min,
    "remember_days": min,
    "second_factor": _wider,
    "needs_security_key": _either,
    "step_up_minutes": min,
    "password_length": max,
    "password_history": max,
    "password_days": _smaller_but_set,
    "visitors_may_sign_up": _both,
}


def tighter(platform: Demands, tenant: SecurityPolicy | None) -> Demands:
    """What holds: field by field the stricter word; a field the tenant left empty is the platform's. Pure."""
    own = {field.name: getattr(tenant, field.name, None) for field in fields(Demands)}
    said = {name: value for name, value in own.items() if value not in (None, "")}
    base = {field.name: getattr(platform, field.name) for field in fields(Demands)}
    return Demands(**base | {name: _TIGHTER[name](base[name], value) for name, value in said.items()})


def in_force() -> Demands:
    """What holds in the active tenant now; the platform's word where no tenant is active. One query, kept shortly."""
    tenant_id = tenancy.current_id_or_none()
    if tenant_id is None:
        return PLATFORM
    demands: Demands = _kept.answer(tenant_id, lambda: tighter(PLATFORM, SecurityPolicy.objects.first()))
    return demands


_kept = tenancy.Kept(seconds=lambda: conf.POLICY_SECONDS, most=lambda: 1024)
forget = _kept.forget


@dataclass(frozen=True, slots=True)
class Matter:
    """One matter of the policy: what the platform says, what the tenant says (None: nothing), and what holds."""

    name: str
    platform: Any
    tenant: Any
    in_force: Any

    @property
    def source(self) -> str:
        """Whose word holds: `platform`, `tenant`, or `both` where they say the same."""
        if self.tenant in (None, ""):
            return "platform"
        if self.platform == self.tenant:
            return "both"
        return "tenant" if self.in_force == self.tenant else "platform"

    @property
    def is_overruled(self) -> bool:
        """Whether the tenant said something looser, which has no effect."""
        return self.tenant not in (None, "") and self.in_force != self.tenant


def explained(tenant: SecurityPolicy | None, *, platform: Demands = PLATFORM) -> list[Matter]:
    """Matter by matter, what holds and where it comes from. Pure."""
    held = tighter(platform, tenant)
    return [
        Matter(f.name, getattr(platform, f.name), getattr(tenant, f.name, None), getattr(held, f.name))
        for f in fields(Demands)
    ]
