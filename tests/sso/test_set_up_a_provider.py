"""Setting up an identity provider: through draft and test to live, by those who may, and its secret stays one."""

from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts import identity_providers, outgoing, roles, saml_metadata, security, signin
from accounts.identity_providers import Status
from accounts.models import ExternalIdentity, GroupRoleMapping, IdentityProvider, Role, Tenant, User
from audit.models import Event
from governance import keys, tenancy
from tests.factories import accounts as people
from tests.factories.sso import make_idp
from tests.sso.saml_idp import SamlIdp

SECRET = "a secret of the client's"
TYPED: dict[str, Any] = {
    "slug": "acme",
    "name": "Acme",
    "protocol": "oidc",
    "issuer": "https://login.acme.example",
    "client_id": "verso",
}


def define(by: User | None, *, secret: str = SECRET, **changes: Any) -> IdentityProvider:
    return identity_providers.define(
        IdentityProvider(), by=by, at=timezone.now(), secret=secret, **{**TYPED, **changes}
    )


def revise(idp: IdentityProvider, by: User | None, *, secret: str = "", **changes: Any) -> IdentityProvider:
    return identity_providers.define(idp, by=by, at=timezone.now(), secret=secret, **changes)


def move(idp: IdentityProvider, to: str, by: User | None = None) -> IdentityProvider:
    return identity_providers.move(idp, to=to, by=by, at=timezone.now())


def told() -> list[tuple[str, Any]]:
    rows = Event.objects.filter(action__startswith="accounts.idp.").order_by("id")
    return [(row.action.rpartition(".")[2], row.content.get("changes")) for row in rows]


def test_a_provider_begins_as_a_draft(owner: User) -> None:
    idp = define(owner)
    assert idp.status == Status.DRAFT
    ((action, changes),) = told()
    assert (action, changes["issuer"], changes["secret"]) == (
        "defined",
        [None, "https://login.acme.example"],
        ["…", "…"],
    )


def test_the_secret_is_sealed_for_its_row_and_tenant(owner: User) -> None:
    idp, other = define(owner), define(owner, slug="other", secret="another one")
    assert identity_providers.open_secret(idp) == SECRET
    with connection.cursor() as cursor:
        cursor.execute("SELECT sealed_secret FROM accounts_identityprovider")
        stored = [bytes(row[0]) for row in cursor.fetchall()]
    assert not [sealed for sealed in stored if SECRET.encode() in sealed]
    IdentityProvider.objects.filter(pk=idp.pk).update(sealed_secret=other.sealed_secret)
    with pytest.raises(keys.Undecryptable):
        identity_providers.open_secret(IdentityProvider.objects.get(pk=idp.pk))


def test_the_secret_is_in_no_ledger_entry(owner: User) -> None:
    revise(define(owner), owner, secret="a newer secret")
    bodies = b" ".join(bytes(body) for body in Event.objects.values_list("body", flat=True))
    assert SECRET.encode() not in bodies
    assert b"a newer secret" not in bodies
    assert told()[-1] == ("revised", {"secret": ["…", "…"]})


def test_a_revision_that_changes_nothing_is_no_act(owner: User) -> None:
    idp = define(owner)
    revise(idp, owner, name="Acme")
    assert [action for action, _changes in told()] == ["defined"]


@pytest.mark.parametrize("change", [{"issuer": "https://evil.example"}, {"client_id": "another"}])
def test_another_issuer_or_client_needs_the_secret_anew(owner: User, change: dict[str, str]) -> None:
    """Else whoever reaches the form could have the secret sent to themselves."""
    idp = define(owner)
    with pytest.raises(identity_providers.SecretNeeded):
        revise(idp, owner, **change)
    assert revise(idp, owner, secret="typed again", **change).status == Status.DRAFT
    assert identity_providers.open_secret(IdentityProvider.objects.get()) == "typed again"


def test_another_issuer_is_refused_once_people_are_linked(owner: User) -> None:
    """Subjects are only unique within an issuer: another one could name itself owner."""
    idp = define(owner)
    ExternalIdentity.objects.create(idp=idp, subject="1", user=owner, linked_at=timezone.now())
    with pytest.raises(identity_providers.IssuerInUse):
        revise(idp, owner, secret="typed again", issuer="https://evil.example")
    with pytest.raises(identity_providers.IssuerInUse):
        revise(idp, owner, secret="typed again", protocol="saml")


@pytest.mark.parametrize("issuer", ["http://login.acme.example", "https://10.0.0.1", "https://169.254.169.254/latest"])
def test_an_issuer_that_may_not_be_called(owner: User, issuer: str) -> None:
    with pytest.raises(outgoing.Forbidden):
        define(owner, issuer=issuer)


def test_one_short_name_each(owner: User) -> None:
    define(owner)
    with pytest.raises(identity_providers.SlugTaken):
        define(owner)


def test_the_short_name_stays_once_it_was_given_away(owner: User) -> None:
    idp = define(owner)
    revise(idp, owner, slug="acme2")
    move(idp, Status.TEST)
    with pytest.raises(identity_providers.SlugInUse):
        revise(idp, owner, slug="acme3")


def test_enforcing_names_whom_it_is_about(owner: User) -> None:
    with pytest.raises(identity_providers.NothingToEnforce):
        define(owner, is_enforced=True)
    assert define(owner, is_enforced=True, allowed_domains=["acme.example"]).is_enforced


def test_only_what_people_type_is_defined(owner: User) -> None:
    with pytest.raises(TypeError):
        define(owner, status="live")


# --- how far ---------------------------------------------------------------------------------------------------------
def test_from_draft_to_test_to_live_and_back(owner: User) -> None:
    idp = define(owner)
    for to in (Status.TEST, Status.LIVE, Status.TEST, Status.DRAFT):
        assert move(idp, to, owner).status == to
    assert [changes["status"] for action, changes in told() if action == "moved"] == [
        ["draft", "test"],
        ["test", "live"],
        ["live", "test"],
        ["test", "draft"],
    ]


def test_taken_out_of_use_it_ends_what_it_opened(owner: User, visitor: User) -> None:
    idp = define(owner)
    move(idp, Status.TEST, owner)
    move(idp, Status.LIVE, owner)
    now = timezone.now()
    mine = signin.Evidence(("idp",), idp)
    bounds = signin.limits(security.in_force(), remembered=False, required_level=1)
    row = signin.open_row(visitor, mine, key="k", at=now, bounds=bounds)
    move(idp, Status.TEST, owner)
    row.refresh_from_db()
    assert row.ended_at is not None


@pytest.mark.parametrize("to", [Status.LIVE, Status.DRAFT, "nonsense", ""])
def test_no_step_is_left_out(owner: User, to: str) -> None:
    with pytest.raises(identity_providers.NoSuchStep):
        move(define(owner), to, owner)


@pytest.mark.parametrize(
    ("lacking", "word"),
    [({"issuer": ""}, "issuer"), ({"client_id": ""}, "client id"), ({"scopes": "email"}, "openid")],
)
def test_nothing_is_tried_before_it_is_whole(owner: User, lacking: dict[str, str], word: str) -> None:
    with pytest.raises(identity_providers.NotReady, match=word):
        move(define(owner, **lacking), Status.TEST, owner)


def test_nor_without_a_secret_or_metadata(owner: User) -> None:
    with pytest.raises(identity_providers.NotReady, match="client secret"):
        move(define(owner, secret=""), Status.TEST, owner)
    with pytest.raises(identity_providers.NotReady, match="metadata"):
        move(define(owner, slug="s", protocol="saml", issuer="", secret=""), Status.TEST, owner)


# --- who may ---------------------------------------------------------------------------------------------------------
def test_whoever_cannot_make_an_owner_sets_up_no_provider(owner: User, manager: User) -> None:
    """A provider's word makes anybody: who names it holds the keys of the house."""
    idp, role = define(owner), Role.objects.get(key="visitor")
    mapping = identity_providers.map_group(idp, group="g", role=role, by=owner, at=timezone.now())
    acts = [
        lambda: define(manager, slug="own"),
        lambda: revise(idp, manager, name="Mine"),
        lambda: move(idp, Status.TEST, manager),
        lambda: identity_providers.map_group(idp, group="h", role=role, by=manager, at=timezone.now()),
        lambda: identity_providers.unmap_group(mapping, by=manager, at=timezone.now()),
    ]
    for act in acts:
        with pytest.raises(identity_providers.NotTheirs):
            act()
    assert IdentityProvider.objects.get().name == "Acme"


@pytest.fixture
def founder(tenant: Tenant) -> Role:
    """A role of the tenant's own that stands above its owners."""
    role = Role(key="founder")
    return roles.define(role, name="Founder", codes=[], rank=200, requires_mfa=True, by=None, at=timezone.now())


def test_nobody_has_a_provider_give_a_role_they_could_not_give(owner: User, founder: Role) -> None:
    """Else a group of one's own at one's own provider would make one what one may not become."""
    idp = define(owner)
    theirs = identity_providers.map_group(idp, group="g", role=founder, by=None, at=timezone.now())
    for act in (
        lambda: identity_providers.map_group(idp, group="h", role=founder, by=owner, at=timezone.now()),
        lambda: identity_providers.unmap_group(theirs, by=owner, at=timezone.now()),
        lambda: revise(idp, owner, default_role=founder),
        lambda: define(owner, slug="own", default_role=founder),
    ):
        with pytest.raises(identity_providers.MoreThanTheirs):
            act()
    assert list(GroupRoleMapping.objects.values_list("group", flat=True)) == ["g"]
    assert revise(idp, owner, default_role=Role.objects.get(key="manager")).default_role.key == "manager"


# --- SAML: who a name means ------------------------------------------------------------------------------------------
@pytest.fixture
def corp(owner: User, metadata: str) -> IdentityProvider:
    """A SAML provider with somebody linked."""
    idp = define(owner, slug="corp", protocol="saml", issuer="", client_id="", secret="", metadata=metadata)
    ExternalIdentity.objects.create(idp=idp, subject="1", user=owner, linked_at=timezone.now())
    return idp


@pytest.fixture(scope="module")
def metadata(tmp_path_factory: pytest.TempPathFactory) -> str:
    return SamlIdp(tmp_path_factory.mktemp("idp")).metadata()


def test_another_entity_id_is_refused_once_people_are_linked(owner: User, corp: IdentityProvider) -> None:
    other = corp.metadata.replace("https://idp.example/metadata", "https://evil.example/metadata")
    for change in ({"metadata": other}, {"metadata": "", "issuer": "https://evil.example/metadata"}, {"metadata": ""}):
        with pytest.raises(identity_providers.EntityInUse):
            revise(corp, owner, **change)
    ExternalIdentity.objects.all().delete()
    assert revise(corp, owner, metadata=other).metadata == other


def test_new_certificates_of_the_same_one_are_welcome_and_told(
    owner: User, corp: IdentityProvider, tmp_path: Path
) -> None:
    before = list(saml_metadata.read(corp.metadata).fingerprints)
    renewed = SamlIdp(tmp_path).metadata()
    revise(corp, owner, metadata=renewed)
    assert told()[-1][1]["certificates"] == [before, list(saml_metadata.read(renewed).fingerprints)]
    revise(corp, owner, name="Corp")
    assert told()[-1] == ("revised", {"name": ["Acme", "Corp"]})


def test_the_entity_id_typed_beside_must_be_the_metadatas(owner: User, corp: IdentityProvider) -> None:
    assert revise(corp, owner, issuer="https://idp.example/metadata").issuer == "https://idp.example/metadata"
    with pytest.raises(identity_providers.AnotherEntity):
        revise(corp, owner, issuer="https://evil.example/metadata")
    for until in ("2020-01-01T00:00:00Z", "2020-01-01T00:00:00"):
        over = corp.metadata.replace("entityID=", f'validUntil="{until}" entityID=')
        with pytest.raises(saml_metadata.BadMetadata, match="run out"):
            revise(corp, owner, metadata=over)
    lasting = corp.metadata.replace("entityID=", 'validUntil="2999-01-01T00:00:00Z" entityID=')
    assert revise(corp, owner, metadata=lasting).metadata == lasting
    with pytest.raises(saml_metadata.BadMetadata):
        revise(corp, owner, metadata="<x/>")


def test_groups_hold_roles_and_lose_them(owner: User) -> None:
    idp, role = define(owner), Role.objects.get(key="receptionist")
    for _twice in range(2):
        mapping = identity_providers.map_group(idp, group=" desk ", role=role, by=owner, at=timezone.now())
    assert GroupRoleMapping.objects.get().group == "desk"
    identity_providers.unmap_group(mapping, by=owner, at=timezone.now())
    assert told()[1:] == [
        ("group_mapped", {"desk": [None, "receptionist"]}),
        ("group_unmapped", {"desk": ["receptionist", None]}),
    ]
    with pytest.raises(identity_providers.NotOneWord):
        identity_providers.map_group(idp, group=" ", role=role, by=owner, at=timezone.now())


# --- the only way in -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("email", "enforced"),
    [
        ("ada@acme.example", True),
        (" Ada@ACME.example ", True),
        ("ada@ａcme.example", True),
        ("ada@sub.acme.example", False),
        ("ada@notacme.example", False),
        ("acme.example", False),
        ("ada@", False),
        ("", False),
        ("\0", False),
    ],
)
def test_for_whom_a_provider_is_the_only_way_in(tenant: Tenant, email: str, enforced: bool) -> None:
    idp = make_idp(is_enforced=True, allowed_domains=["@Acme.example"])
    assert identity_providers.enforced_for(email) == (idp if enforced else None)


@pytest.mark.parametrize("fields", [{"status": "test"}, {"is_enforced": False}, {"allowed_domains": []}])
def test_a_provider_that_is_not_the_only_way_in(tenant: Tenant, fields: dict[str, Any]) -> None:
    make_idp(**{"is_enforced": True, **fields})
    assert identity_providers.enforced_for("ada@acme.example") is None


def test_the_question_costs_the_same_for_everybody(
    tenant: Tenant, django_assert_num_queries: Any, second_tenant: Tenant
) -> None:
    make_idp(is_enforced=True)
    with tenancy.within(second_tenant):
        make_idp(is_enforced=True, allowed_domains=["demo.example"])
    people.make_member("ada")
    for email in ("ada@acme.example", "ada@demo.example", "nobody@nowhere.example", ""):
        with django_assert_num_queries(1):
            identity_providers.enforced_for(email)
