"""The back office sets providers up, tries them and takes them live; the secret goes in and never comes out."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import identity_providers, roles, saml_metadata
from accounts.models import ExternalIdentity, GroupRoleMapping, IdentityProvider, Role, Tenant, User
from audit.models import Event
from governance import tenancy
from tests.factories import accounts as people
from tests.factories.sso import make_idp, map_group
from tests.sso import forger, walking
from tests.sso.forger import Forger
from tests.sso.saml_idp import SamlIdp

LIST, ADD = "/admin/accounts/identityprovider/", "/admin/accounts/identityprovider/add/"
SECRET = "typed into the form"


@pytest.fixture
def desk(owner: User) -> Client:
    """The owner's browser."""
    return people.enter(owner)


def page(idp: IdentityProvider, what: str = "change") -> str:
    return reverse(f"admin:accounts_identityprovider_{what}", args=[idp.pk])


def form(idp: IdentityProvider | None = None, **changes: Any) -> dict[str, Any]:
    typed: dict[str, Any] = {
        "slug": "acme",
        "name": "Acme",
        "protocol": "oidc",
        "issuer": "https://login.acme.example",
        "client_id": "verso",
        "secret": SECRET,
        "scopes": "openid email profile",
        "metadata": "",
        "mfa_evidence": "mfa\n\n hwk \nmfa",
        "max_auth_age": "",
        "makes_members": "on",
        "allowed_domains": "acme.example",
        "default_role": "",
        "groups_claim": "groups",
    }
    if idp is not None:
        typed |= {"secret": "", "mappings-TOTAL_FORMS": "0", "mappings-INITIAL_FORMS": "0"}
    return {name: value for name, value in {**typed, **changes}.items() if value is not None}


def added(desk: Client) -> IdentityProvider:
    assert desk.post(ADD, form()).status_code == 302
    return IdentityProvider.objects.get()


def test_an_empty_list_says_what_it_is_for(desk: Client) -> None:
    assert "Everybody signs in with a password so far" in desk.get(LIST).text


def test_a_provider_is_added(desk: Client) -> None:
    idp = added(desk)
    assert (idp.status, idp.mfa_evidence, idp.allowed_domains) == ("draft", ["mfa", "hwk"], ["acme.example"])
    assert identity_providers.open_secret(idp) == SECRET
    shown = desk.get(LIST)
    assert "Acme" in shown.text
    assert Event.objects.filter(action="accounts.idp.defined").count() == 1


def test_each_field_is_on_the_form_once(desk: Client) -> None:
    """A browser sends both, and the empty one would win."""
    names = re.findall(r'<(?:input|textarea|select)[^>]* name="(\w+)"', desk.get(ADD).text)
    ours = [name for name in names if name in form()]
    assert sorted(ours) == sorted(set(ours))
    assert {"issuer", "metadata", "client_id"} <= set(ours)


def test_a_saml_provider_shows_whom_its_metadata_is_about(desk: Client, tmp_path: Path) -> None:
    metadata = SamlIdp(tmp_path).metadata()
    idp = make_idp(protocol="saml", issuer="", metadata=metadata)
    shown = desk.get(page(idp)).text
    assert saml_metadata.read(metadata).fingerprints[0] in shown
    IdentityProvider.objects.update(metadata="<x/>")
    assert "must describe exactly one identity provider" in desk.get(page(idp)).text


def test_the_secret_never_comes_out(desk: Client, auditor: User) -> None:
    idp = added(desk)
    for address in (LIST, page(idp), page(idp, "guide"), page(idp, "history")):
        text = desk.get(address).text
        assert SECRET not in text
        assert "sealed_secret" not in text
    field = re.search(r"<input[^>]*name=\"secret\"[^>]*>", desk.get(page(idp)).text)
    assert field is not None
    assert "value=" not in field[0]
    again = desk.post(page(idp), form(idp, secret="typed again", issuer="http://no.example"))
    assert again.status_code == 200
    assert "typed again" not in again.text


@pytest.mark.parametrize("column", ["sealed_secret", "sealed_secret__startswith", "client_id__startswith", "tenant"])
def test_no_column_is_asked_for_in_the_address(desk: Client, column: str) -> None:
    added(desk)
    assert desk.get(f"{LIST}?{column}=a").status_code in (302, 400)
    assert desk.get(f"/admin/accounts/externalidentity/?idp__{column}=a").status_code in (302, 400)
    assert desk.get(f"{LIST}?protocol__exact=oidc&status__exact=draft").context["cl"].result_count == 1


def test_an_empty_secret_keeps_the_one_there_is(desk: Client) -> None:
    idp = added(desk)
    assert desk.post(page(idp), form(idp, name="Acme Ltd")).status_code == 302
    kept = IdentityProvider.objects.get()
    assert (kept.name, identity_providers.open_secret(kept)) == ("Acme Ltd", SECRET)


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"issuer": "https://evil.example"}, "secret", "enter the client secret anew"),
        ({"issuer": "http://login.acme.example", "secret": "s"}, "issuer", "Only https addresses"),
        ({"issuer": "https://127.0.0.1:1/@", "secret": "s"}, None, ""),
        ({"is_enforced": "on", "allowed_domains": ""}, "allowed_domains", "Name the e-mail domains"),
        ({"slug": "not a slug"}, "slug", "Enter a valid"),
    ],
)
def test_a_refusal_stands_at_its_field(desk: Client, change: dict[str, Any], field: str | None, words: str) -> None:
    idp = added(desk)
    answer = desk.post(page(idp), form(idp, **change))
    if field is None:
        assert answer.status_code == 302  # loopback, which the tests allow
        return
    assert answer.status_code == 200
    assert words in str(answer.context["adminform"].form.errors[field])
    assert IdentityProvider.objects.get().issuer == "https://login.acme.example"


def test_steps_are_taken_one_at_a_time(desk: Client) -> None:
    idp = added(desk)
    for to in ("test", "live"):
        assert desk.post(page(idp, "move"), {"to": to}).url == page(idp)
    assert IdentityProvider.objects.get().status == "live"
    desk.get(page(idp, "move"))
    refused = desk.post(page(idp, "move"), {"to": "nonsense"}, follow=True)
    assert "A provider goes from draft to test" in refused.text
    assert IdentityProvider.objects.get().status == "live"


def test_groups_are_mapped_and_unmapped(desk: Client) -> None:
    idp = added(desk)
    role, other = Role.objects.get(key="receptionist"), Role.objects.get(key="manager")
    rows = {"mappings-TOTAL_FORMS": "1", "mappings-0-group": "desk", "mappings-0-role": str(role.pk)}
    assert desk.post(page(idp), form(idp, **rows)).status_code == 302
    mapping = GroupRoleMapping.objects.get()
    present = {**rows, "mappings-INITIAL_FORMS": "1", "mappings-0-id": str(mapping.pk), "mappings-0-idp": str(idp.pk)}
    assert desk.post(page(idp), form(idp, **{**present, "mappings-0-role": str(other.pk)})).status_code == 302
    mapping = GroupRoleMapping.objects.get()
    assert mapping.role == other
    present |= {"mappings-0-id": str(mapping.pk), "mappings-0-role": str(other.pk), "mappings-0-DELETE": "on"}
    assert desk.post(page(idp), form(idp, **present)).status_code == 302
    assert not GroupRoleMapping.objects.exists()
    acts = Event.objects.filter(action__startswith="accounts.idp.group").order_by("id")
    assert [act.action.rpartition("_")[2] for act in acts] == ["mapped", "unmapped", "mapped", "unmapped"]


@pytest.mark.parametrize("at", ["okta", "entra", "google", "keycloak"])
@pytest.mark.parametrize("protocol", ["oidc", "saml"])
def test_the_guide_names_the_exact_addresses(desk: Client, protocol: str, at: str) -> None:
    idp = make_idp(protocol=protocol)
    text = desk.get(f"{page(idp, 'guide')}?at={at}").text
    wanted = ["oidc/callback/", "oidc/backchannel-logout/"] if protocol == "oidc" else ["saml/metadata/", "saml/acs/"]
    for path in wanted:
        assert f"{tenancy.current().url('/sso/acme/')}{path}" in text


def test_who_came_that_way_is_listed_and_not_changed(desk: Client, owner: User) -> None:
    row = ExternalIdentity.objects.create(idp=make_idp(), subject="s-9", user=owner, linked_at=timezone.now())
    assert "s-9" in desk.get("/admin/accounts/externalidentity/").text
    change = f"/admin/accounts/externalidentity/{row.pk}/change/"
    assert desk.get(change).status_code == 200
    assert desk.post(change, {"subject": "s-1"}).status_code == 403
    assert desk.get("/admin/accounts/externalidentity/add/").status_code == 403


# --- who may ---------------------------------------------------------------------------------------------------------
def test_others_of_the_staff_set_up_nothing(desk: Client, manager: User, receptionist: User) -> None:
    idp = added(desk)
    for who in (manager, receptionist):
        client = people.enter(who)
        for address in (LIST, ADD, page(idp), page(idp, "try"), page(idp, "tried"), page(idp, "guide")):
            assert client.get(address).status_code == 403, address
        for address in (ADD, page(idp), page(idp, "move")):
            assert client.post(address, {"to": "test", **form(idp)}).status_code == 403, address
    assert IdentityProvider.objects.get().status == "draft"


def test_a_role_that_may_change_providers_needs_an_owners_power_too(desk: Client) -> None:
    """A tenant's own role could hold the permission; a provider could still make anybody an owner."""
    idp = added(desk)
    role = Role(key="it")
    codes = [f"accounts.{act}_identityprovider" for act in ("add", "change", "view")] + ["accounts.enter_admin"]
    roles.define(role, name="IT", codes=codes, rank=40, requires_mfa=True, by=None, at=timezone.now())
    client = people.enter(people.make_member("techie", role="it"))
    assert client.get(page(idp)).status_code == 200
    assert client.post(page(idp), form(idp, name="Mine")).status_code == 403
    assert client.get(ADD).status_code == 403
    assert client.post(page(idp, "move"), {"to": "test"}).status_code == 403
    text = client.get(page(idp)).text
    assert "entered, not shown" in text


def test_only_roles_one_could_give_are_to_be_chosen(desk: Client) -> None:
    idp, role = added(desk), Role(key="founder")
    founder = roles.define(role, name="Founder", codes=[], rank=200, requires_mfa=True, by=None, at=timezone.now())
    fields = desk.get(page(idp)).context["adminform"].form.fields
    assert {role.key for role in fields["default_role"].queryset} >= {"owner", "visitor"}
    assert founder not in fields["default_role"].queryset
    answer = desk.post(page(idp), form(idp, default_role=str(founder.pk)))
    assert "Select a valid choice" in str(answer.context["adminform"].form.errors["default_role"])
    rows = {"mappings-TOTAL_FORMS": "1", "mappings-0-group": "desk", "mappings-0-role": str(founder.pk)}
    assert "Select a valid choice" in desk.post(page(idp), form(idp, **rows)).text
    assert not GroupRoleMapping.objects.exists()
    present = map_group(idp, "top", "founder")  # somebody greater's, which an owner's saving leaves as it is
    rows = {"mappings-TOTAL_FORMS": "1", "mappings-0-group": "top", "mappings-0-role": str(founder.pk)}
    rows |= {"mappings-INITIAL_FORMS": "1", "mappings-0-id": str(present.pk), "mappings-0-idp": str(idp.pk)}
    assert desk.post(page(idp), form(idp, **rows, name="Acme Ltd")).status_code == 302
    assert "Founder" in str(GroupRoleMapping.objects.get())


def test_new_certificates_ask_who_is_there(owner: User, desk: Client, tmp_path: Path) -> None:
    """A certificate of one's own would let one sign in as anybody: a session left open is not enough."""
    old, new = SamlIdp(tmp_path / "old").metadata(), SamlIdp(tmp_path / "new").metadata()
    idp = make_idp(protocol="saml", issuer="", client_id="", metadata=old)
    ExternalIdentity.objects.create(idp=idp, subject="s-9", user=owner, linked_at=timezone.now())
    typed = form(idp, issuer="", client_id=None, secret=None, scopes=None, metadata=new)
    session = desk.session
    people.grow_old(session, 24 * 3600)
    session.save()
    asked = desk.post(page(idp), typed)
    assert (asked.status_code, "account/step_up.html" in [one.name for one in asked.templates]) == (403, True)
    assert IdentityProvider.objects.get().metadata == old
    fresh = people.enter(owner)
    assert fresh.post(page(idp), typed).status_code == 302
    told = Event.objects.get(action="accounts.idp.revised").content["changes"]["certificates"]
    assert [len(fingerprints) for fingerprints in told] == [1, 1]
    other = typed | {"metadata": new.replace("https://idp.example/metadata", "https://evil.example/metadata")}
    refused = fresh.post(page(idp), other)
    assert "another one could pass for them" in str(refused.context["adminform"].form.errors["metadata"])


def test_another_tenants_provider_is_not_there(desk: Client, second_tenant: Tenant) -> None:
    with tenancy.within(second_tenant):
        theirs = make_idp("theirs")
        map_group(theirs, "g", "visitor")
    assert "Theirs" not in desk.get(LIST).text
    for what in ("guide", "try", "tried"):
        assert desk.get(page(theirs, what)).status_code == 403
    assert desk.get(page(theirs)).status_code == 302
    assert desk.post(page(theirs, "move"), {"to": "draft"}).status_code == 403
    with tenancy.within(second_tenant):
        assert IdentityProvider.objects.get().status == "live"


# --- trying ----------------------------------------------------------------------------------------------------------
@pytest.fixture
def in_test(liar: Forger, tenant: Tenant) -> IdentityProvider:
    """The lying provider, which nobody is offered yet."""
    idp = walking.provider(liar.issuer, forger.SECRET, status="test", mfa_evidence=["mfa"])
    map_group(idp, "desk", "receptionist")
    return idp


def try_it(desk: Client, liar: Forger, idp: IdentityProvider) -> Any:
    sent = walking.begin(desk, liar, start=page(idp, "try"))
    stranger = Client()  # the callback comes without the Strict session cookie
    stranger.cookies["flow"] = desk.cookies["flow"].value
    bounced = walking.come_back(stranger, sent)
    assert bounced.status_code == 200
    assert not walking.is_signed_in(stranger)
    return desk.get(bounced.context["onward"])


def test_a_try_shows_what_a_sign_in_would_give_and_gives_nothing(
    desk: Client, liar: Forger, in_test: IdentityProvider
) -> None:
    liar.claims = {"amr": ["pwd", "mfa"], "department": "<b>Front</b>"}
    before = User.objects.count()
    shown = try_it(desk, liar, in_test)
    assert shown.status_code == 200
    for words in ("Would come in", "a new member", "Receptionist", "ada@acme.example", "counts:", "desk"):
        assert words in shown.text
    assert "&lt;b&gt;Front&lt;/b&gt;" in shown.text
    assert (User.objects.count(), ExternalIdentity.objects.count()) == (before, 0)
    assert desk.get(page(in_test)).status_code == 200  # still oneself


def test_a_try_shows_why_somebody_would_be_refused(desk: Client, liar: Forger, in_test: IdentityProvider) -> None:
    liar.claims = {"email": "eve@elsewhere.example"}
    text = try_it(desk, liar, in_test).text
    for words in ("Would be refused", "not meant for your e-mail address", "none that counts", "eve@elsewhere.example"):
        assert words in text


def test_a_try_shows_why_an_answer_is_not_believed(desk: Client, liar: Forger, in_test: IdentityProvider) -> None:
    liar.claims = {"aud": "another"}
    text = try_it(desk, liar, in_test).text
    assert "Would be refused" in text
    assert "InvalidAudienceError" in text
    assert walking.refusals()[-1] == ("accounts.sso.refused", "InvalidAudienceError")


def test_a_result_is_shown_to_the_one_who_tried(
    desk: Client, liar: Forger, in_test: IdentityProvider, tenant: Tenant
) -> None:
    sent = walking.begin(desk, liar, start=page(in_test, "try"))
    result = walking.come_back(desk, sent).context["onward"]
    colleague = people.enter(people.make_member("colleague", role="owner"))
    colleague.cookies["flow"] = desk.cookies["flow"].value
    assert colleague.get(result).status_code == 302
    without_cookie = people.enter(User.objects.get(email="owner@demo.example"))
    assert without_cookie.get(result).status_code == 302
    assert desk.get(result).status_code == 200


def test_a_draft_is_not_tried(desk: Client) -> None:
    idp = added(desk)
    answer = desk.get(page(idp, "try"), follow=True)
    assert "Take the provider into test first" in answer.text


def test_a_provider_that_does_not_answer_is_said_to(desk: Client, tenant: Tenant) -> None:
    idp = walking.provider("http://127.0.0.1:9", "s", status="test")
    answer = desk.get(page(idp, "try"), follow=True)
    assert "cannot be reached" in answer.text
    assert "ConnectError" in answer.text


# --- the sign-in page ------------------------------------------------------------------------------------------------
def test_live_providers_are_offered(client: Client, tenant: Tenant) -> None:
    make_idp()
    make_idp("tested", status="test")
    make_idp("drafted", status="draft")
    text = client.get("/account/login/?next=/account/").text
    assert re.findall(r"Continue with (\w+)", text) == ["Acme"]
    assert 'href="/sso/acme/oidc/start/?next=%2Faccount%2F"' in text


def test_without_providers_nothing_is_offered(client: Client, tenant: Tenant) -> None:
    text = client.get("/account/login/").text
    assert "Continue with" not in text
    assert "Or with e-mail" not in text
