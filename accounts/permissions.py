"""What may be permitted, and which permissions the system roles hold. The one map of who may do what.

Codes are Django's: `app.action_model` for models, `app.verb_noun` for acts that are not one row. An app adds its own
from above, in its `AppConfig.ready()`: `permissions.register("scheduling.book_for_others", _("…"), roles=["manager"])`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from django.apps import apps
from django.db.models import Model
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

HOUSE_APPS = ("audit", "governance", "accounts", "scheduling", "cms")
ENTER_ADMIN = "accounts.enter_admin"
ALL = "*"
_ACTS = {"add": _("add"), "change": _("change"), "delete": _("delete"), "view": _("view")}


@dataclass(frozen=True, slots=True)
class Permission:
    """One thing that may be permitted. A platform permission belongs to operators and is in no role."""

    code: str
    label: str | Promise
    platform: bool = False


@dataclass(frozen=True, slots=True)
class SystemRole:
    """A role every tenant has. Its permissions are here, in code, so that an upgrade reaches every tenant."""

    key: str
    label: str | Promise
    rank: int
    requires_mfa: bool
    permissions: frozenset[str]


def _crud(*models: str) -> set[str]:
    return {f"{app}.{act}_{model}" for app, model in (m.split(".") for m in models) for act in _ACTS}


def _view(*models: str) -> set[str]:
    return {f"{app}.view_{model}" for app, model in (m.split(".") for m in models)}


_DESK = {ENTER_ADMIN, "scheduling.manage_appointments"}
_DESK |= {f"scheduling.{act}_appointment" for act in ("add", "change", "view")}
_DESK |= _view("scheduling.service", "scheduling.bookable", "scheduling.weeklyrule", "scheduling.dateoverride")
_DESK |= _view("scheduling.servicebookable", "scheduling.allocation", "scheduling.holiday", "scheduling.externalbusy")
_DESK |= _view("governance.person") | {"governance.change_person", "governance.add_person"}
_DESK |= {"cms.view_contactmessage", "cms.change_contactmessage", "cms.view_contactreply"}

_CALENDAR = _crud(
    "scheduling.service",
    "scheduling.servicebookable",
    "scheduling.bookable",
    "scheduling.weeklyrule",
    "scheduling.dateoverride",
    "scheduling.holiday",
)
_EVIDENCE = {ENTER_ADMIN} | _view(
    "audit.event",
    "audit.outboxmessage",
    "audit.logentry",
    "governance.tenantkey",
    "accounts.membership",
    "accounts.role",
)
_EVIDENCE |= _view("accounts.rolegrant", "accounts.user", "accounts.tenant", "scheduling.appointment")

_ROLES: dict[str, tuple[str | Promise, int, bool, set[str]]] = {
    "owner": (_("Owner"), 100, True, {ALL}),
    "manager": (
        _("Manager"),
        70,
        True,
        _DESK
        | _CALENDAR
        | _EVIDENCE
        | _crud("cms.contactmessage", "accounts.membership", "accounts.rolegrant")
        | {"audit.retry_outbox"}
        | _view("accounts.authsession"),
    ),
    "reviewer": (_("Reviewer"), 50, True, {ENTER_ADMIN}),
    "editor": (_("Editor"), 40, True, {ENTER_ADMIN}),
    "receptionist": (_("Receptionist"), 30, True, set(_DESK)),
    "auditor": (_("Auditor"), 20, True, set(_EVIDENCE)),
    "visitor": (_("Visitor"), 0, False, set()),
}

# Rows of the platform itself: only operators (`create_owner --operator`) ever hold these.
_PLATFORM_MODELS = {"accounts.tenantdomain", "accounts.recoverycode"}
_PLATFORM_CODES = {
    f"accounts.{act}" for act in ("add_tenant", "delete_tenant", "delete_user", "change_user", "add_user")
}
_OPERATED_APPS = ("django_celery_beat",)

_registry: dict[str, Permission] = {}


def register(code: str, label: str | Promise, *, roles: Iterable[str] = (), platform: bool = False) -> None:
    """Make a permission known, and hold it in the named system roles. Refuses an unknown role with KeyError."""
    _registry[code] = Permission(code, label, platform)
    for key in roles:
        _ROLES[key][3].add(code)
    known.cache_clear()


def _model_permissions() -> Iterable[Permission]:
    for model in apps.get_models():
        label, noun = model._meta.app_label, model._meta.verbose_name
        if label not in HOUSE_APPS + _OPERATED_APPS or model._meta.proxy:
            continue
        for act in model._meta.default_permissions:
            code = f"{label}.{act}_{model._meta.model_name}"
            platform = code in _PLATFORM_CODES or model._meta.label_lower in _PLATFORM_MODELS or label in _OPERATED_APPS
            yield Permission(code, format_lazy("{} {}", _ACTS[act], noun), platform)
        for codename, text in model._meta.permissions:
            yield Permission(f"{label}.{codename}", text)


@lru_cache(maxsize=1)
def known() -> dict[str, Permission]:
    """Every permission there is, by code: those of models and those registered."""
    return {p.code: p for p in _model_permissions()} | _registry


def _tenant_codes() -> frozenset[str]:
    return frozenset(p.code for p in known().values() if not p.platform and not _rewrites_the_ledger(p.code))


def _rewrites_the_ledger(code: str) -> bool:
    return code.startswith(("audit.add_", "audit.change_", "audit.delete_"))


def guards_the_door(code: str) -> bool:
    """Whether it is about accounts, roles, sessions or keys: what nobody may do while they see as somebody else."""
    return (code.startswith("accounts.") and code != ENTER_ADMIN) or code.endswith("_tenantkey")


def grantable() -> list[Permission]:
    """What a tenant's own roles may hold, ordered by code."""
    return [known()[code] for code in sorted(_tenant_codes())]


def noun_of(code: str) -> type[Model] | None:
    """The model a permission is about; None for an act that is not one row."""
    app, _dot, codename = code.partition(".")
    act, _bar, name = codename.partition("_")
    try:
        return apps.get_model(app, name) if act in _ACTS else None
    except LookupError:
        return None


def for_operators() -> frozenset[str]:
    """What operating the platform adds to whatever else somebody holds."""
    return frozenset(p.code for p in known().values() if p.platform)


def unknown() -> set[str]:
    """Codes system roles hold that no model and no registration knows: a slip of the pen."""
    return {code for _label, _rank, _mfa, codes in _ROLES.values() for code in codes} - set(known()) - {ALL}


def system_role(key: str) -> SystemRole:
    """The system role of that key. Refuses an unknown one with KeyError."""
    label, rank, requires_mfa, codes = _ROLES[key]
    return SystemRole(key, label, rank, requires_mfa, _tenant_codes() if ALL in codes else frozenset(codes))


def system_roles() -> list[SystemRole]:
    """All system roles, highest rank first."""
    return [system_role(key) for key in _ROLES]


register(ENTER_ADMIN, _("enter the back office"))
register("accounts.end_sessions", _("end sessions of members"), roles=["manager"])
register(
    "accounts.use_api",
    _("let programs act for oneself"),
    roles=["manager", "reviewer", "editor", "receptionist", "auditor"],
)
register("accounts.impersonate", _("see the site as somebody else"))
register("accounts.operate_platform", _("operate the platform"), platform=True)
