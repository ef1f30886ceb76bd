"""System checks of the door: who may permit, whether the gate stands, what the admin shows."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.backends import BaseBackend
from django.core import checks
from django.urls import URLResolver, get_resolver
from django.utils.module_loading import import_string

from accounts import gate, permissions, stepping_up

PERMITTING = ("get_all_permissions", "get_user_permissions", "get_group_permissions", "has_perm", "has_module_perms")
GATE = "accounts.middleware.GateMiddleware"
OFFICE, SIGN_IN = "admin/", "admin/login/"  # the way in, which leads to the one there is
PROTECT = "Put it into the map with accounts.stepping_up.protect(…)."
COVER = "Name a view as in its urls.py (accounts:tokens), or what the admin does (accounts.rolegrant:add)."
THE_ONE = "accounts.backends.TenantPermissionBackend"


def _permits(backend: type) -> bool:
    """Whether a backend has a say of its own in permissions: anything but BaseBackend's empty answers."""
    return any(getattr(backend, name, None) not in (None, getattr(BaseBackend, name, None)) for name in PERMITTING)


@checks.register(checks.Tags.security)
def only_one_backend_permits(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """Stock backends (axes, SSO, allauth) inherit ModelBackend and would grant permissions across all tenants."""
    return [
        checks.Error(
            f"{path} grants permissions.",
            hint=f"Only {THE_ONE} may. Derive from BaseBackend, or take it out of AUTHENTICATION_BACKENDS.",
            id="accounts.E001",
        )
        for path in settings.AUTHENTICATION_BACKENDS
        if path != THE_ONE and _permits(import_string(path))
    ]


@checks.register(checks.Tags.security)
def the_gate_stands(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """Without the gate every view would be open to one-factor sessions."""
    needed = [GATE, "accounts.middleware.AuthenticationMiddleware", "accounts.middleware.SessionMiddleware"]
    needed += ["accounts.middleware.StepUpMiddleware"]
    return [
        checks.Error(f"{name} is not in MIDDLEWARE.", hint="Every address is closed by it.", id="accounts.E002")
        for name in needed
        if name not in settings.MIDDLEWARE
    ]


def _addresses(patterns: Iterable[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        here = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _addresses(pattern.url_patterns, here)
        else:
            yield here, pattern.callback


@checks.register(checks.Tags.urls)
def every_address_says_who_may_enter(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """An address is listed as public, or gated by a mark; the back office is gated as a whole, and public nowhere.

    Without a mark it is closed to all but staff; saying so shows that somebody has thought of it.
    """
    return [
        checks.Error(
            f"{address} does not say who may enter."
            if not gate.is_marked(view)
            else f"{address} is open to everybody although it belongs to the back office.",
            hint="Put a mark of accounts.gate on its view.",
            id="accounts.E005",
        )
        for address, view in _addresses(get_resolver().url_patterns)
        if (not address.startswith(OFFICE) and not gate.is_marked(view))
        or (address.startswith(OFFICE) and address != SIGN_IN and gate.verdict_for(view) is gate.Mark.PUBLIC)
    ]


@checks.register(checks.Tags.security)
def cookies_carry_their_flags(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """The session's cookie and the forms' token: out of scripts' reach, not sent from elsewhere, TLS in production."""
    faults = []
    for cookie in ("SESSION", "CSRF"):
        needed = {
            f"{cookie}_COOKIE_HTTPONLY": getattr(settings, f"{cookie}_COOKIE_HTTPONLY"),
            f"{cookie}_COOKIE_SAMESITE": getattr(settings, f"{cookie}_COOKIE_SAMESITE") in ("Lax", "Strict"),
        }
        if settings.PRODUCTION:
            own_host = getattr(settings, f"{cookie}_COOKIE_NAME").startswith("__Host-")
            needed[f"{cookie}_COOKIE_SECURE"] = getattr(settings, f"{cookie}_COOKIE_SECURE")
            needed[f"{cookie}_COOKIE_NAME"] = own_host and not getattr(settings, f"{cookie}_COOKIE_DOMAIN")
        faults += [name for name, holds in needed.items() if not holds]
    hint = "HttpOnly, SameSite Lax or Strict; in production also Secure and a name that begins with __Host-."
    return [checks.Error(f"{name} leaves a cookie open.", hint=hint, id="accounts.E006") for name in faults]


@checks.register(checks.Tags.admin)
def the_admin_shows_the_house_only(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """A package's model in the admin answers lookups about every column, seeds and keys included."""
    shown: frozenset[str] = getattr(admin.site, "apps_shown", frozenset())
    return [
        checks.Error(f"{model._meta.label} is registered in the admin.", hint="Unregister it.", id="accounts.E003")
        for model in admin.site._registry
        if model._meta.app_label not in shown
    ]


@checks.register(checks.Tags.models)
def system_roles_hold_what_exists(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """A misspelt code in the map permits nothing, and nobody would notice."""
    return [
        checks.Error(f"No model or registration knows the permission {code}.", id="accounts.E004")
        for code in sorted(permissions.unknown())
    ]


@checks.register(checks.Tags.security)
def keys_are_bound_to_the_tenants_host(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """A relying party in the settings would bind everybody's security keys to one tenant's host."""
    fixed = getattr(settings, "TWO_FACTOR_WEBAUTHN_RP_ID", None)
    hint = "Take it out: security keys are bound to the tenant's host of the request."
    return [checks.Error("TWO_FACTOR_WEBAUTHN_RP_ID is set.", hint=hint, id="accounts.E020")] if fixed else []


@checks.register(checks.Tags.security, deploy=True)
def keys_are_asked_for_over_tls(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """Browsers do security keys on https only; an origin that begins with http would never fit."""
    if not settings.PRODUCTION or (settings.SITE_SCHEME == "https" and settings.SECURE_SSL_REDIRECT):
        return []
    hint = "SITE_SCHEME must be https and SECURE_SSL_REDIRECT on."
    return [checks.Error("Security keys cannot work without TLS.", hint=hint, id="accounts.E021")]


@checks.register(checks.Tags.security)
def marked_acts_are_in_the_map(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """A view that names an act nobody defined stays closed, and nobody would know why."""
    return [
        checks.Error(f"{view.__module__} marks a view with the act {name!r}.", hint=PROTECT, id="accounts.E022")
        for view in _views(get_resolver().url_patterns)
        if (name := getattr(view, stepping_up.MARK, "")) and not stepping_up.find(name)
    ]


@checks.register(checks.Tags.security)
def acts_cover_what_exists(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """An act that covers a name nobody has protects nothing, and nobody would notice."""
    names = set(_names(get_resolver().url_patterns))
    return [
        checks.Error(f"The act {act.name} covers {cover}, which does not exist.", hint=COVER, id="accounts.E023")
        for cover, act in stepping_up.covered().items()
        if cover not in names and not _is_done_in_admin(cover)
    ]


def _is_done_in_admin(cover: str) -> bool:
    """Whether the admin does this with a model: its own pages, or an action of its list."""
    label, _colon, done = cover.partition(":")
    for model, shown in admin.site._registry.items():
        if model._meta.label_lower == label:
            actions = {action if isinstance(action, str) else action.__name__ for action in shown.actions or ()}
            return done in {"*", "add", "change", "delete", *actions}
    return False


def _names(patterns: Iterable[Any], space: str = "") -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _names(pattern.url_patterns, f"{space}{pattern.namespace}:" if pattern.namespace else space)
        elif pattern.name:
            yield space + pattern.name


def _views(patterns: list[Any]) -> Iterator[Any]:
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            yield from _views(pattern.url_patterns)
        else:
            yield pattern.callback


@checks.register(checks.Tags.security)
def allauth_brings_no_door(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """Its addresses log people in past `signin.finish`; its other parts bring a second factor and SSO of their own."""
    addresses = [a for a, view in _addresses(get_resolver().url_patterns) if view.__module__.startswith("allauth.")]
    parts = [app for app in settings.INSTALLED_APPS if app.startswith("allauth.") and app != "allauth.account"]
    hint = "List what is needed by hand, as views of ours: docs/adr/0023-accounts-by-code.md."
    return [
        checks.Error(f"{what} is a door of allauth's.", hint=hint, id="accounts.E024") for what in addresses + parts
    ]


@checks.register(checks.Tags.security, deploy=True)
def limits_are_shared(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """In one process's memory, limits and locks count for that process only."""
    if "locmem" not in settings.CACHES["default"]["BACKEND"]:
        return []
    hint = "Set REDIS_URL when more than one process serves requests."
    return [checks.Warning("Rate limits and sign-in locks count per process.", hint=hint, id="accounts.W001")]
