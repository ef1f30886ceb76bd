"""Tenants, people and how they come in. Every user's password is `PASSWORD`."""

import secrets
import time
from datetime import datetime
from typing import Any

from django.contrib.auth.hashers import make_password
from django.test import Client
from django.utils import timezone
from django_otp.oath import TOTP

from accounts import roles, security, signin, tenants
from accounts.models import Authenticator, Membership, Role, RoleGrant, Tenant, User
from governance import tenancy

PASSWORD = "four unrelated quiet words"
_hashed: list[str] = []


def _hash() -> str:
    """One hash for everybody, made once: hashing is not what most stories are about."""
    if not _hashed:
        _hashed.append(make_password(PASSWORD))
    return _hashed[0]


def make_tenant(slug: str = "demo", *, hosts: tuple[str, ...] = ("testserver",), **fields: Any) -> Tenant:
    """A tenant with hosts and system roles, made through the verb."""
    name = fields.pop("name", slug.capitalize())
    return tenants.create(slug=slug, name=name, hosts=list(hosts), by=None, at=timezone.now(), **fields)


def make_user(name: str = "somebody", *, at_host: str = "demo.example", **fields: Any) -> User:
    """A user `name@demo.example` who belongs nowhere yet."""
    return User.objects.create(
        email=f"{name}@{at_host}", display_name=name.replace("_", " ").title(), password=_hash(), **fields
    )


def make_member(name: str, *, role: str | None = None, tenant: Tenant | None = None, **fields: Any) -> User:
    """A user with a membership, and a role when one is named, in that tenant (default: the active one)."""
    with tenancy.within(tenant or tenancy.current_id()):
        user = make_user(name, at_host=f"{tenancy.current().slug}.example", **fields)
        membership = Membership.objects.create(user=user)
        if role:
            roles.grant(membership, role=Role.objects.get(key=role), by=None, at=timezone.now())
        return user


def give(user: User, role: str, *, expires_at: datetime | None = None) -> RoleGrant:
    """One more role for a member of the active tenant, as the platform gives it."""
    membership = Membership.objects.get(user=user)
    return roles.grant(membership, role=Role.objects.get(key=role), by=None, at=timezone.now(), expires_at=expires_at)


def enrol(user: User, *, seed: bytes | None = None) -> Authenticator:
    """An authenticator for this user."""
    device = Authenticator(user=user, name="default")
    device.seed = seed or secrets.token_bytes(20)
    device.save()
    return device


def code_for(device: Authenticator, *, steps: int = 0) -> str:
    """What the authenticator shows now, or `steps` half minutes later."""
    return code_of(device.seed, steps=steps, drift=device.drift)


def code_of(seed: bytes, *, steps: int = 0, drift: int = 0) -> str:
    """What an app shows that was given this seed."""
    totp = TOTP(seed, drift=drift)
    totp.time = time.time() + steps * totp.step
    return f"{totp.token():06d}"


def enter(user: User, *, client: Client | None = None, level: int = 2) -> Client:
    """A client with a session of this user in the active tenant, as `signin.finish` leaves it.

    With `level=2` the user has an authenticator and has just shown it; with `level=1` only a password.
    """
    client = client or Client(headers={"host": _host()})
    if level == 2 and not user.has_second_factor():
        enrol(user)
    client.force_login(user, backend="accounts.backends.PasswordBackend")
    evidence = signin.Evidence(("password", "totp") if level == 2 else ("password",))
    session = client.session
    now = timezone.now()
    session.update(signin.standing(user, evidence, at=now))
    session.save()
    bounds = signin.limits(security.in_force(), remembered=False, required_level=level)
    signin.open_row(user, evidence, key=session.session_key or "", at=now, bounds=bounds)
    return client


def grow_old(session: Any, seconds: float) -> None:
    """Let what a session has proven have been shown so much longer ago. Saves nothing."""
    kept = session[signin.STANDING]
    marks = {"verified", signin.OWN, signin.SELF} & kept.keys()
    session[signin.STANDING] = kept | {mark: kept[mark] - seconds for mark in marks}


def _host() -> str:
    hosts = tenancy.current().domains.filter(is_primary=True)
    return str(hosts.get().host)
