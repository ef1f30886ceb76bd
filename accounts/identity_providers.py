"""Setting up identity providers: what they are, how far they are, which groups hold which roles, and their secret.

Whoever names a provider decides who may be anybody here, so only those who could make an owner may do it.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts import outgoing, policies, saml_metadata, sessions
from accounts.models import ExternalIdentity, GroupRoleMapping, IdentityProvider, Role, User, normalise_email
from audit import ledger
from governance import keys, sealing, tenancy

Protocol, Status = IdentityProvider.Protocol, IdentityProvider.Status
SECRETS = "secrets"
DESCRIBES = (
    "slug",
    "name",
    "protocol",
    "issuer",
    "client_id",
    "scopes",
    "metadata",
    "mfa_evidence",
    "max_auth_age",
    "makes_members",
    "allowed_domains",
    "default_role",
    "groups_claim",
    "is_enforced",
)
# Where a client secret is sent, and as whom: after a change of these it would go to somebody else.
ENDPOINT = ("issuer", "client_id")
NEXT: dict[str, tuple[str, ...]] = {
    Status.DRAFT: (Status.TEST,),
    Status.TEST: (Status.LIVE, Status.DRAFT),
    Status.LIVE: (Status.TEST, Status.DRAFT),
}


class NotTheirs(ValidationError):
    """A provider vouches for everybody, owners included."""

    def __init__(self) -> None:
        super().__init__(
            _("Only somebody who may make an owner can set up a provider: it vouches for owners too."),
            code="not_theirs",
        )


class MoreThanTheirs(NotTheirs):
    """Nobody has a provider give what they could not give themselves."""

    def __init__(self) -> None:
        sentence = _("This role holds more than you do, so you cannot have a provider give it.")
        ValidationError.__init__(self, sentence, code="more_than_theirs")


class SlugTaken(ValidationError):
    """A short name belongs to one provider of the tenant."""

    def __init__(self) -> None:
        super().__init__(_("There is a provider with this short name."), code="slug_taken")


class SlugInUse(ValidationError):
    """The short name is part of addresses that the provider knows."""

    def __init__(self) -> None:
        super().__init__(_("The short name stays: the provider knows the addresses made of it."), code="slug_in_use")


class SecretNeeded(ValidationError):
    """A secret is never carried over to another issuer or client."""

    def __init__(self) -> None:
        super().__init__(
            _("Issuer or client id changed: please enter the client secret anew. It is not sent elsewhere unasked."),
            code="secret_needed",
        )


class IssuerInUse(ValidationError):
    """A subject means somebody only together with its issuer."""

    def __init__(self) -> None:
        super().__init__(
            _("People are linked to this issuer, and another one could pass for them. Make a new provider instead."),
            code="issuer_in_use",
        )


class EntityInUse(IssuerInUse):
    """The same of SAML: a name means somebody only together with its entity id."""

    def __init__(self) -> None:
        sentence = _(
            "People are linked to the provider with the entity id there was, and another one could pass for them."
            " New certificates of the same one are welcome; for another one make a new provider instead."
        )
        ValidationError.__init__(self, sentence, code="entity_in_use")


class AnotherEntity(ValidationError):
    """What was typed and what was pasted are about two providers."""

    def __init__(self) -> None:
        super().__init__(
            _("The metadata names another entity id. Leave this empty, or copy it."), code="another_entity"
        )


class NothingToEnforce(ValidationError):
    """Without domains nobody could say who is meant."""

    def __init__(self) -> None:
        super().__init__(
            _("Name the e-mail domains whose people may no longer use a password."), code="nothing_to_enforce"
        )


class NotReady(ValidationError):
    """Something is missing before the provider can be asked."""

    def __init__(self, missing: Iterable[str]) -> None:
        super().__init__(
            _("Still missing: %(what)s."), code="not_ready", params={"what": ", ".join(str(name) for name in missing)}
        )


class NoSuchStep(ValidationError):
    """From draft to test to live, and back."""

    def __init__(self) -> None:
        super().__init__(_("A provider goes from draft to test, and from test to live."), code="no_such_step")


class NotOneWord(ValidationError):
    """A group is named as the provider sends it."""

    def __init__(self) -> None:
        super().__init__(_("Name the group as the provider sends it."), code="no_group")


# --- set up ----------------------------------------------------------------------------------------------------------
def define(
    idp: IdentityProvider, *, by: User | None, at: datetime, secret: str = "", **fields: Any
) -> IdentityProvider:
    """Make a provider, in draft, or revise one. The secret is sealed, and never shown or written down again.

    Refuses `NotTheirs`, `SlugTaken`, `SlugInUse`, `SecretNeeded`, `IssuerInUse`, `EntityInUse`, `AnotherEntity`,
    `MoreThanTheirs`, `NothingToEnforce`, `outgoing.Forbidden` issuers, `BadMetadata` and malformed values; TypeError
    for fields that are not typed by people.
    """
    strange = set(fields) - set(DESCRIBES)
    if strange:
        raise TypeError(f"Not to be defined: {sorted(strange)}")
    with transaction.atomic():
        _refuse_others(by, at=at)
        stored = None if idp._state.adding else IdentityProvider.objects.select_for_update().get(pk=idp.pk)
        before = {name: _plain(getattr(stored, name)) if stored else None for name in fields}
        was_signed_by = _fingerprints(stored) if stored else None
        revised = stored or IdentityProvider()
        for name, value in fields.items():
            setattr(revised, name, value)
        check(revised, by, at, secret=secret)
        revised.full_clean(exclude=["sealed_secret"])
        if secret:
            revised.sealed_secret = _seal(revised, secret)
        revised.save()
        changes = {name: [before[name], _plain(getattr(revised, name))] for name in fields}
        if "metadata" in fields:
            changes["certificates"] = [was_signed_by, _fingerprints(revised)]
        told = {name: pair for name, pair in changes.items() if pair[0] != pair[1]}
        if secret:
            told["secret"] = ["…", "…"]
        if told:
            ledger.record(f"accounts.idp.{'revised' if stored else 'defined'}", revised, changes=told)
    return revised


def move(idp: IdentityProvider, *, to: str, by: User | None, at: datetime) -> IdentityProvider:
    """Take a provider from draft to test to live, or back. Refuses `NotTheirs`, `NoSuchStep` and `NotReady`."""
    with transaction.atomic():
        _refuse_others(by, at=at)
        stored = IdentityProvider.objects.select_for_update().get(pk=idp.pk)
        if to not in NEXT[stored.status]:
            raise NoSuchStep
        if to != Status.DRAFT and (missing := lacks(stored)):
            raise NotReady(missing)
        before, stored.status = stored.status, to
        stored.save(update_fields=["status"])
        ledger.record("accounts.idp.moved", stored, changes={"status": [before, to]})
        if before == Status.LIVE:
            sessions.end_through(stored, at=at)
    idp.status = stored.status
    return stored


def map_group(idp: IdentityProvider, *, group: str, role: Role, by: User | None, at: datetime) -> GroupRoleMapping:
    """Let a group's members hold a role from their next sign-in on.

    Refuses `NotTheirs`, `MoreThanTheirs` and an empty group.
    """
    with transaction.atomic():
        _refuse_others(by, at=at)
        if not policies.may_give(by, role, at=at, expires_at=None):
            raise MoreThanTheirs
        if not group.strip():
            raise NotOneWord
        mapping, is_new = GroupRoleMapping.objects.get_or_create(idp=idp, group=group.strip(), role=role)
        if is_new:
            ledger.record("accounts.idp.group_mapped", idp, changes={group.strip(): [None, role.key]})
    return mapping


def unmap_group(mapping: GroupRoleMapping, *, by: User | None, at: datetime) -> None:
    """End a mapping; members lose the role at their next sign-in. Refuses `NotTheirs` and `MoreThanTheirs`."""
    with transaction.atomic():
        _refuse_others(by, at=at)
        if not policies.may_take(by, mapping.role, at=at):
            raise MoreThanTheirs
        GroupRoleMapping.objects.filter(pk=mapping.pk).delete()
        ledger.record("accounts.idp.group_unmapped", mapping.idp, changes={mapping.group: [mapping.role.key, None]})


def _refuse_others(by: User | None, *, at: datetime) -> None:
    if by is not None and not may_set_up(by, at=at):
        raise NotTheirs


def may_set_up(by: User, *, at: datetime) -> bool:
    """Whether somebody may name who vouches for everybody: whoever could make an owner, for good."""
    owner = Role.objects.filter(key="owner", is_system=True).first()
    return owner is not None and policies.may_give(by, owner, at=at, expires_at=None)


def check(idp: IdentityProvider, by: User | None, at: datetime, *, secret: str) -> None:
    """What `define` refuses of a provider as it would be, compared with how it is stored. Changes nothing."""
    _refuse_others(by, at=at)
    was = IdentityProvider.objects.filter(pk=idp.pk).first()
    if idp.default_role is not None and not policies.may_give(by, idp.default_role, at=at, expires_at=None):
        raise MoreThanTheirs
    if IdentityProvider.objects.filter(slug=idp.slug).exclude(pk=idp.pk).exists():
        raise SlugTaken
    if idp.protocol == Protocol.OIDC and idp.issuer:
        outgoing.permitted(idp.issuer)
    if idp.protocol == Protocol.SAML and idp.metadata.strip():
        until = saml_metadata.read(idp.metadata).valid_until
        if until is not None and until <= at:
            raise saml_metadata.BadMetadata(saml_metadata.RUN_OUT)
    is_typed = idp.protocol == Protocol.SAML and idp.issuer and (was is None or idp.issuer != was.issuer)
    if is_typed and _entity(idp) != idp.issuer:
        raise AnotherEntity
    if idp.is_enforced and not idp.allowed_domains:
        raise NothingToEnforce
    if was is None:
        return
    if idp.slug != was.slug and was.status != Status.DRAFT:
        raise SlugInUse
    if (idp.protocol, _entity(idp)) != (was.protocol, _entity(was)) and ExternalIdentity.objects.filter(
        idp=was
    ).exists():
        raise EntityInUse if was.protocol == idp.protocol == Protocol.SAML else IssuerInUse
    if was.sealed_secret and not secret and any(getattr(idp, name) != getattr(was, name) for name in ENDPOINT):
        raise SecretNeeded


def _entity(idp: IdentityProvider) -> str:
    """Who the provider is in its protocol's words: the issuer, or the entity id in its metadata once that is pasted."""
    facts = _facts(idp)
    return facts.entity_id if facts else idp.issuer


def _fingerprints(idp: IdentityProvider) -> list[str] | None:
    """Of the certificates a SAML provider signs with."""
    facts = _facts(idp)
    return list(facts.fingerprints) if facts else None


def _facts(idp: IdentityProvider) -> saml_metadata.Facts | None:
    """What a SAML provider's metadata says; None where none is pasted, or none that can be read."""
    if idp.protocol != Protocol.SAML or not idp.metadata.strip():
        return None
    try:
        return saml_metadata.read(idp.metadata)
    except saml_metadata.BadMetadata:
        return None


def _plain(value: Any) -> Any:
    """A field's value as the ledger keeps it: long text by its length."""
    if isinstance(value, Role):
        return value.key
    return f"{len(value)} characters" if isinstance(value, str) and len(value) > 500 else value


# --- the secret ------------------------------------------------------------------------------------------------------
def _place(idp: IdentityProvider) -> bytes:
    return sealing.bind("identity provider", str(idp.tenant_id), str(idp.pk))


def _seal(idp: IdentityProvider, secret: str) -> bytes:
    key = keys.of_tenant(tenancy.current_id(), SECRETS)
    return sealing.seal(key.cipher, secret.encode(), key_id=key.key_id, generation=key.generation, place=_place(idp))


def open_secret(idp: IdentityProvider) -> str:
    """The client secret, for the provider alone; empty when there is none. Refuses with `keys.Undecryptable`."""
    if not idp.sealed_secret:
        return ""
    sealed = bytes(idp.sealed_secret)
    try:
        header = sealing.Header.read(sealed)
        key = keys.of_tenant(tenancy.current_id(), SECRETS, header.generation)
        return sealing.unseal(key.cipher, sealed, place=_place(idp)).decode()
    except sealing.Unopenable as error:
        raise keys.Undecryptable("The secret does not open here: enter it anew.") from error


# --- questions -------------------------------------------------------------------------------------------------------
def lacks(idp: IdentityProvider) -> list[Any]:
    """What must still be typed before the provider can be asked."""
    if idp.protocol == Protocol.SAML:
        return [] if idp.metadata.strip() else [_("metadata")]
    needed = {_("issuer"): idp.issuer, _("client id"): idp.client_id, _("client secret"): idp.sealed_secret}
    missing: list[Any] = [name for name, value in needed.items() if not value]
    return missing if "openid" in idp.scopes.split() else [*missing, "openid"]


def offered() -> list[IdentityProvider]:
    """The providers a visitor may sign in with here."""
    return list(IdentityProvider.objects.offered())


def enforced_for(email: str) -> IdentityProvider | None:
    """The provider that is the only way in for this e-mail, if any. One query, whatever the e-mail is."""
    _name, at_sign, domain = normalise_email(email).rpartition("@")
    enforced = IdentityProvider.objects.offered().filter(is_enforced=True).order_by("created_at")
    return next((idp for idp in list(enforced) if at_sign and domain in domains(idp)), None)


def domains(idp: IdentityProvider) -> set[str]:
    """The e-mail domains a provider's word counts for; empty: all."""
    return {str(domain).strip().lstrip("@").casefold() for domain in idp.allowed_domains}
