"""Opening tenants and the hosts they answer on, and letting people in."""

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts import roles
from accounts.models import Membership, Role, Tenant, TenantDomain, User, normalise_email
from audit import ledger, outbox
from governance import people, tenancy

DESCRIBES = ("name", "tagline", "brand_colour", "accent_colour", "logo", "contact_email", "contact_phone", "address")


class HostTaken(ValidationError):
    """A host belongs to one tenant only."""

    def __init__(self, host: str) -> None:
        super().__init__(_("The host %(host)s already belongs to a tenant."), code="host_taken", params={"host": host})


class SlugTaken(ValidationError):
    """A short name belongs to one tenant only."""

    def __init__(self) -> None:
        super().__init__(_("A tenant with this short name exists already."), code="slug_taken")


def create(
    *, slug: str, name: str, hosts: list[str], by: User | None, at: datetime, time_zone: str = "UTC", locale: str = "en"
) -> Tenant:
    """A new tenant with its hosts (the first is the primary) and system roles. Refuses `SlugTaken`, `HostTaken`."""
    with transaction.atomic():
        if Tenant.objects.filter(slug=slug).exists():
            raise SlugTaken
        tenant = Tenant(slug=slug, name=name, time_zone=time_zone, locale=locale)
        tenant.full_clean(exclude=["logo"])
        tenant.save()
        with tenancy.within(tenant):
            roles.install()
            ledger.record("accounts.tenant.created", tenant, changes={"slug": [None, slug]})
        for host in hosts:
            open_host(tenant, host=host, by=by, at=at)
    return tenant


def open_host(tenant: Tenant, *, host: str, by: User | None, at: datetime) -> TenantDomain:
    """Answer on one more exact host; the first becomes the primary. Refuses `HostTaken` and malformed hosts."""
    with transaction.atomic(), tenancy.within(tenant):
        host = host.strip().lower()
        if TenantDomain.objects.filter(host=host).exists():
            raise HostTaken(host)
        domain = TenantDomain(tenant=tenant, host=host, is_primary=not tenant.domains.filter(is_primary=True).exists())
        domain.full_clean()
        domain.save()
        ledger.record("accounts.host.opened", domain, changes={"host": [None, host]})
    return domain


def describe(tenant: Tenant, *, by: User | None, at: datetime, **fields: Any) -> Tenant:
    """Change how a tenant presents itself. Refuses fields that are not its own to change with TypeError."""
    strange = set(fields) - set(DESCRIBES)
    if strange:
        raise TypeError(f"Not a tenant's own to change: {sorted(strange)}")
    with transaction.atomic(), tenancy.within(tenant):
        before = {field: str(getattr(tenant, field)) for field in fields}
        for field, value in fields.items():
            setattr(tenant, field, value)
        tenant.full_clean()
        tenant.save(update_fields=list(fields))
        changes = {f: [before[f], str(getattr(tenant, f))] for f in fields if before[f] != str(getattr(tenant, f))}
        ledger.record("accounts.tenant.described", tenant, changes=changes)
    return tenant


def admit(*, email: str, name: str, role: str, by: User | None, at: datetime, tell: bool = True) -> Membership:
    """Let somebody into the active tenant with a role, and tell them by mail unless told not to.

    A known user keeps name and password. Refuses `MoreThanHeld` and malformed addresses.
    """
    with transaction.atomic():
        user = User.objects.filter(email_key=normalise_email(email)).first() or register(email=email, name=name)
        membership = join(user, at=at)
        if not membership.is_active:
            roles.resume_membership(membership, by=by, at=at)
        roles.grant(membership, role=Role.objects.get(key=role), by=by, at=at)
        if tell:
            outbox.post("accounts.invitation", about=membership)
    return membership


def register(*, email: str, name: str) -> User:
    """A new user without a password, who belongs nowhere yet. Refuses malformed and known addresses."""
    user = User(email=email.strip(), display_name=name)
    user.set_unusable_password()
    user.full_clean(exclude=["email_key"])
    user.save()
    return user


def join(user: User, *, at: datetime) -> Membership:
    """The user's membership in the active tenant, begun without any role if there is none. An ended one stays ended."""
    with transaction.atomic():
        membership, is_new = Membership.objects.get_or_create(user=user)
        if is_new:
            _know_the_person(membership, at=at)
            ledger.record("accounts.membership.started", membership)
    return membership


def _know_the_person(membership: Membership, *, at: datetime) -> None:
    """Point at the person this tenant already holds data about, or at a new row; never at somebody else's."""
    user = membership.user
    person = people.recognise(name=user.display_name, email=user.email, at=at)
    if not Membership.objects.filter(person=person).exists():
        membership.person = person
        membership.save(update_fields=["person"])
