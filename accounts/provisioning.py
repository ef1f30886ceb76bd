"""Whom a provider's word makes somebody here: one function for OpenID Connect and SAML.

People are found by provider and subject only; an e-mail never links accounts. Roles that come from groups are kept
apart from those given by hand: each arrival replaces the provider's own grants and touches no others.
"""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from accounts import identity_providers, policies, roles, tenants
from accounts.models import (
    ExternalIdentity,
    GroupRoleMapping,
    IdentityProvider,
    Membership,
    Role,
    RoleGrant,
    User,
    normalise_email,
)
from audit import ledger


@dataclass(frozen=True, slots=True)
class Claims:
    """What a provider says of somebody. `groups=None`: it said nothing usable of groups, which is not "no groups"."""

    subject: str
    email: str = ""
    email_verified: bool = False
    name: str = ""
    groups: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What an arrival would do, or did. `explanation` is in sentences for the person and for staff."""

    user: User | None
    is_new_member: bool
    roles: tuple[Role, ...]
    explanation: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Arrival:
    """Who arrived, and why they hold what they hold."""

    user: User
    membership: Membership
    explanation: tuple[str, ...] = field(default=())


class NotProvisioned(ValidationError):
    """The provider vouches for somebody who gets no place here."""


class NotOffered(NotProvisioned):
    """The provider is not live."""

    def __init__(self) -> None:
        super().__init__(_("Signing in with this provider is not open yet."), code="not_offered")


class NoSubject(NotProvisioned):
    """A word about nobody."""

    def __init__(self) -> None:
        super().__init__(_("The provider did not say who you are."), code="no_subject")


class DomainNotAllowed(NotProvisioned):
    """The provider's word counts for other e-mail domains only."""

    def __init__(self) -> None:
        super().__init__(_("This provider is not meant for your e-mail address."), code="domain_not_allowed")


class NoMember(NotProvisioned):
    """Unknown here, and the provider may not admit new people."""

    def __init__(self) -> None:
        super().__init__(_("You are not a member here yet. Ask an owner to let you in."), code="no_member")


class EmailMissing(NotProvisioned):
    """New people need an address that the provider has verified."""

    def __init__(self) -> None:
        super().__init__(_("The provider did not confirm your e-mail address."), code="email_missing")


class EmailTaken(NotProvisioned):
    """An account with this address exists already; only its owner may connect it, signed in."""

    def __init__(self) -> None:
        super().__init__(
            _("An account with this e-mail exists already. Sign in as usual first, then connect the provider."),
            code="email_taken",
        )


class MembershipEnded(NotProvisioned):
    """A member once; the end was somebody's decision and the provider cannot undo it."""

    def __init__(self) -> None:
        super().__init__(_("Your membership here has ended. Ask an owner."), code="membership_ended")


class AlreadyConnected(NotProvisioned):
    """The subject belongs to another account here."""

    def __init__(self) -> None:
        super().__init__(_("This identity is connected to another account."), code="already_connected")


class OnlyWayIn(ValidationError):
    """Without it nobody could come in as them any more."""

    def __init__(self) -> None:
        super().__init__(
            _("This is your only way in. Connect another provider or choose a password first."), code="only_way_in"
        )


class Demanded(ValidationError):
    """Where one provider is the only way in for an address, it stays."""

    def __init__(self) -> None:
        super().__init__(_("Your organisation wants you to sign in with this provider."), code="demanded")


def is_known_as(idp: IdentityProvider, claims: Claims, *, user_id: UUID | str) -> bool:
    """Whether the one a provider speaks of is linked to this very user. Changes nothing."""
    return ExternalIdentity.objects.filter(idp=idp, subject=claims.subject, user_id=user_id).exists()


def arrive(idp: IdentityProvider, claims: Claims, *, at: datetime) -> Arrival:
    """Find or admit the person the provider vouches for, and give them exactly the roles their groups map to.

    Refuses `NotProvisioned`: not live, no subject, domain, unknown, unverified or taken e-mail, ended membership.
    """
    if idp.status != IdentityProvider.Status.LIVE:
        raise NotOffered
    with transaction.atomic():
        _admissible(idp, claims)
        identity = _known(idp, claims, lock=True) or _known_once_alone(idp, claims)
        user = identity.user if identity else _newcomer(idp, claims, at=at)
        membership = Membership.objects.select_for_update().get(user=user)
        if identity is None:
            identity = _connect(idp, claims.subject, user, at=at)
        ExternalIdentity.objects.filter(pk=identity.pk).update(last_seen_at=at)
        explanation = _sync(idp, membership, claims.groups, at=at)
    policies.forget(user)
    return Arrival(user, membership, explanation)


def preview(idp: IdentityProvider, claims: Claims, *, at: datetime) -> Preview:
    """What `arrive` would do if the provider were live; changes nothing. Refuses as `arrive` does."""
    _admissible(idp, claims)
    identity = _known(idp, claims)
    if identity is None:
        _refuse_newcomer(idp, claims)
    wanted = _wanted(idp, claims.groups)
    user = identity.user if identity else None
    return Preview(user, user is None, tuple(sorted(wanted, key=lambda role: -role.rank)), _why(wanted, claims.groups))


def connect(idp: IdentityProvider, claims: Claims, *, user: User, at: datetime) -> ExternalIdentity:
    """Let a signed-in member use the provider from now on. Refuses `NotOffered`, `NoSubject`, `AlreadyConnected`."""
    if idp.status != IdentityProvider.Status.LIVE:
        raise NotOffered
    with transaction.atomic():
        _admissible(idp, claims)
        _be_alone(idp)
        identity = _known(idp, claims, lock=True, ended_too=True)
        if identity is not None and identity.user_id != user.pk:
            raise AlreadyConnected
        return identity or _connect(idp, claims.subject, user, at=at)


def disconnect(identity: ExternalIdentity, *, by: User, at: datetime) -> None:
    """Let a member come in with this identity no more; roles its groups gave go with it. Twice does nothing.

    Refuses `Demanded` where the provider is the only way in for their address, `OnlyWayIn` when they have no other,
    and `roles.LastOwner`.
    """
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=identity.user_id)  # two at once would leave no way in
        stored = ExternalIdentity.objects.filter(pk=identity.pk).select_related("idp").first()
        if stored is None:
            return
        _keep_a_way_in(stored, user)
        stored.delete()
        if not ExternalIdentity.objects.filter(user=user, idp=stored.idp).exists():
            rows = RoleGrant.objects.filter(membership__user=user, idp=stored.idp)
            for given in rows.select_related("role", "membership__user"):
                roles.revoke(given, by=by, at=at)
        ledger.record("accounts.identity.disconnected", user, changes={"provider": [stored.idp.slug, None]})
    policies.forget(by)


def _keep_a_way_in(identity: ExternalIdentity, user: User) -> None:
    demanded = identity_providers.enforced_for(user.email)
    if demanded == identity.idp:
        raise Demanded
    live = ExternalIdentity.objects.filter(user=user, idp__status=IdentityProvider.Status.LIVE)
    others = live.exclude(pk=identity.pk)
    has_password = user.has_usable_password() and demanded is None
    if not has_password and not others.exists():
        raise OnlyWayIn


def _admissible(idp: IdentityProvider, claims: Claims) -> None:
    if not claims.subject.strip() or len(claims.subject) > 255:
        raise NoSubject
    domains = identity_providers.domains(idp)
    if domains and not (claims.email_verified and _domain(claims.email) in domains):
        raise DomainNotAllowed


def _domain(email: str) -> str:
    return normalise_email(email).rpartition("@")[2]


def _known(
    idp: IdentityProvider, claims: Claims, *, lock: bool = False, ended_too: bool = False
) -> ExternalIdentity | None:
    rows = ExternalIdentity.objects.filter(idp=idp, subject=claims.subject).select_related("user")
    identity = (rows.select_for_update(of=("self",)) if lock else rows).first()
    if identity is None or ended_too:
        return identity
    if not identity.user.is_active or not Membership.objects.filter(user=identity.user, is_active=True).exists():
        raise MembershipEnded
    return identity


def _be_alone(idp: IdentityProvider) -> None:
    """Let whoever else is about to connect somebody of this provider finish first, and then wait for us."""
    IdentityProvider.objects.select_for_update(no_key=True).filter(pk=idp.pk).first()


def _known_once_alone(idp: IdentityProvider, claims: Claims) -> ExternalIdentity | None:
    """Whom another window has admitted a moment before."""
    _be_alone(idp)
    return _known(idp, claims, lock=True)


def _refuse_newcomer(idp: IdentityProvider, claims: Claims) -> None:
    if not idp.makes_members:
        raise NoMember
    if not claims.email_verified or not claims.email:
        raise EmailMissing
    try:
        validate_email(claims.email)
    except ValidationError as malformed:
        raise EmailMissing from malformed
    if User.objects.filter(email_key=normalise_email(claims.email)).exists():
        raise EmailTaken


def _newcomer(idp: IdentityProvider, claims: Claims, *, at: datetime) -> User:
    _refuse_newcomer(idp, claims)
    try:
        with transaction.atomic():
            user = tenants.register(email=claims.email, name=claims.name[:120])
    except IntegrityError as taken:  # by another door, this very moment
        raise EmailTaken from taken
    except ValidationError as malformed:  # longer than we keep one
        raise EmailMissing from malformed
    membership = tenants.join(user, at=at)
    if idp.default_role is not None:  # theirs from then on, like one given by hand
        roles.grant(membership, role=idp.default_role, by=None, at=at, reason=str(_("role of new members")))
    return user


def _connect(idp: IdentityProvider, subject: str, user: User, *, at: datetime) -> ExternalIdentity:
    identity = ExternalIdentity.objects.create(idp=idp, subject=subject, user=user, linked_at=at)
    ledger.record("accounts.identity.connected", user, changes={"provider": [None, idp.slug]})
    return identity


# --- roles by group --------------------------------------------------------------------------------------------------
def _wanted(idp: IdentityProvider, groups: tuple[str, ...] | None) -> dict[Role, list[str]]:
    """Role → the groups that map to it."""
    found: dict[Role, list[str]] = {}
    rows = GroupRoleMapping.objects.filter(idp=idp, group__in=groups or ()).select_related("role").order_by("group")
    for row in rows:
        found.setdefault(row.role, []).append(row.group)
    return found


def _why(wanted: dict[Role, list[str]], groups: tuple[str, ...] | None) -> tuple[str, ...]:
    if groups is None:
        return (str(_("The provider said nothing usable of groups, so roles from groups stay as they were.")),)
    said = str(_("You are %(role)s because of the group %(group)s."))
    return tuple(said % {"role": role, "group": ", ".join(of)} for role, of in wanted.items()) or (
        str(_("None of your groups maps to a role here.")),
    )


def _sync(
    idp: IdentityProvider, membership: Membership, groups: tuple[str, ...] | None, *, at: datetime
) -> tuple[str, ...]:
    """Give what the groups map to, take what they no longer do; other sources' grants stay as they are."""
    wanted = _wanted(idp, groups)
    if groups is not None:
        rows = RoleGrant.objects.filter(membership=membership, idp=idp).select_related("role", "membership")
        present = {given.role: given for given in rows}
        for role, given in present.items():
            if role not in wanted:
                _take(given, at=at)
        for role, of in wanted.items():
            if role not in present:
                _give(membership, role, idp=idp, of=of, at=at)
    return _why(wanted, groups)


def _give(membership: Membership, role: Role, *, idp: IdentityProvider, of: list[str], at: datetime) -> None:
    why = ", ".join(of)[:200]
    roles.grant(membership, role=role, by=None, at=at, source=RoleGrant.Source.IDP, idp=idp, reason=why)


def _take(given: RoleGrant, *, at: datetime) -> None:
    """A provider cannot leave a tenant without an owner: the last one stays."""
    try:
        roles.revoke(given, by=None, at=at)
    except roles.LastOwner:
        ledger.refused("accounts.role.revoked", given.membership, reason="the last owner stays")
