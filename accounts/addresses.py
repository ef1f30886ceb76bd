"""Whom an e-mail address belongs to, as far as this tenant is concerned. Asked for mails, never for a page."""

from dataclasses import dataclass
from enum import Enum, auto

from accounts import identity_providers
from accounts.models import ExternalIdentity, IdentityProvider, Membership, User, normalise_email
from governance import tenancy


class Standing(Enum):
    """How an address stands here."""

    UNKNOWN = auto()
    ELSEWHERE = auto()  # a user of the platform with a password, who is no member here
    MEMBER = auto()
    CLOSED = auto()  # the account, or the membership here, was ended by somebody
    PROVIDER = auto()  # they come in through an identity provider, and not with a password


@dataclass(frozen=True, slots=True)
class Belonging:
    """The standing of an address, its user if there is one, and where to write: what is stored, not what was typed."""

    standing: Standing
    email: str
    user: User | None = None
    idp: IdentityProvider | None = None


def look_up(email: str) -> Belonging:
    """How an address stands here."""
    user = User.objects.filter(email_key=normalise_email(email)).first()
    idp = identity_providers.enforced_for(email)
    if user is None:
        return Belonging(Standing.PROVIDER if idp else Standing.UNKNOWN, email, None, idp)
    membership = Membership.objects.filter(user=user).first()
    if not user.is_active or (membership is not None and not membership.is_active):
        return Belonging(Standing.CLOSED, user.email, user)
    if idp is not None or has_no_password(user):
        return Belonging(Standing.PROVIDER, user.email, user, idp or _latest(user))
    return Belonging(Standing.MEMBER if membership else Standing.ELSEWHERE, user.email, user)


def has_no_password(user: User) -> bool:
    """Whether a provider is how they come in: nobody gives them a password by mail. Providers of any tenant count.

    Whoever was invited and has not chosen a password yet is not meant.
    """
    if user.has_usable_password():
        return False
    with tenancy.across():
        return ExternalIdentity.across_tenants.filter(user=user).exists()


def is_managed(email: str) -> bool:
    """Whether a provider is the only way in for this address here."""
    return identity_providers.enforced_for(email) is not None


def manager_of(user: User) -> IdentityProvider | None:
    """The provider of this tenant that manages this user's address, as far as one is known here."""
    return identity_providers.enforced_for(user.email) or _latest(user)


def may_change_address(user: User) -> bool:
    """Whether the address is theirs to change: no provider decides what it is."""
    return not is_managed(user.email) and not has_no_password(user)


def _latest(user: User) -> IdentityProvider | None:
    """The live provider of this tenant they last came in with."""
    linked = ExternalIdentity.objects.filter(user=user, idp__status=IdentityProvider.Status.LIVE).select_related("idp")
    identity = linked.order_by("-last_seen_at", "-linked_at").first()
    return identity.idp if identity else None
