"""A signed-in member connects a provider to come in with it from now on, and disconnects it again."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import impersonation, provisioning, roles
from accounts.models import ExternalIdentity, IdentityProvider, Membership, RoleGrant, Tenant, User
from audit.models import Event
from governance import tenancy
from tests.factories import accounts as people
from tests.factories.sso import claims, make_idp, map_group
from tests.racing import race
from tests.sso import walking
from tests.sso.forger import Forger
from tests.sso.saml_idp import ACS, METADATA, SamlIdp, needs_xmlsec1

PAGE = "/account/providers/"


def connect(client: Client, idp: IdentityProvider, **more: Any) -> Any:
    return client.post(f"{PAGE}{idp.pk}/connect/", **more)


def disconnect(client: Client, identity: ExternalIdentity) -> str:
    return client.post(f"{PAGE}{identity.pk}/disconnect/", follow=True).text


def linked(idp: IdentityProvider, user: User, subject: str = "s-1") -> ExternalIdentity:
    return provisioning.connect(idp, claims(subject), user=user, at=timezone.now())


def acts() -> list[str]:
    found = Event.objects.filter(action__startswith="accounts.identity.", outcome="success").order_by("id")
    return [event.action.rpartition(".")[2] for event in found]


@pytest.fixture
def there(visitor: User) -> Client:
    """The visitor's browser."""
    return people.enter(visitor, level=1)


def walk(client: Client, liar: Forger, idp: IdentityProvider) -> Any:
    """From our form to the provider and back: the answer's page, to which the session does not come."""
    onward = connect(client, idp).context["onward"]
    assert onward == "/sso/acme/oidc/connect/"
    sent = walking.begin(client, liar, start=onward)
    elsewhere = Client()
    elsewhere.cookies["flow"] = client.cookies["flow"].value
    return walking.come_back(elsewhere, sent)


# --- OpenID Connect --------------------------------------------------------------------------------------------------
def test_a_member_connects_and_comes_in_with_it(
    there: Client, visitor: User, liar: Forger, believed: IdentityProvider
) -> None:
    back = walk(there, liar, believed)
    assert not ExternalIdentity.objects.exists()  # the answer alone connects nothing
    done = there.get(back.context["onward"], follow=True)
    assert "From now on you can sign in with Acme." in done.text
    assert ExternalIdentity.objects.get().user == visitor
    assert acts() == ["connected"]
    assert walking.is_signed_in(there)
    other = Client()
    walking.come_back(other, walking.begin(other, liar))
    assert other.session["_auth_user_id"] == str(visitor.pk)


def test_the_answer_connects_once_and_for_the_one_who_asked(
    there: Client, owner: User, liar: Forger, believed: IdentityProvider
) -> None:
    onward = walk(there, liar, believed).context["onward"]
    for client in (Client(), people.enter(owner)):
        client.cookies["flow"] = there.cookies["flow"].value
        client.get(onward)
    assert not ExternalIdentity.objects.filter(user=owner).exists()
    again = walk(there, liar, believed).context["onward"]
    for _twice in range(2):
        there.get(again)
    assert acts() == ["connected"]


def test_what_belongs_to_somebody_else_is_refused(
    there: Client, owner: User, liar: Forger, believed: IdentityProvider
) -> None:
    linked(believed, owner)
    done = there.get(walk(there, liar, believed).context["onward"], follow=True)
    assert "This identity is connected to another account." in done.text
    assert ExternalIdentity.objects.get().user == owner
    assert walking.refusals()[-1] == ("accounts.sso.refused", "already_connected")


def test_a_lie_connects_nothing_and_signs_nobody_out(there: Client, liar: Forger, believed: IdentityProvider) -> None:
    liar.claims = {"aud": "another"}
    done = there.get(walk(there, liar, believed).context["onward"], follow=True)
    assert "could not be verified" in done.text
    assert (ExternalIdentity.objects.count(), walking.is_signed_in(there)) == (0, True)
    assert walking.refusals()[-1] == ("accounts.sso.refused", "InvalidAudienceError")


def test_nobody_is_led_to_it_by_a_link(there: Client, liar: Forger, believed: IdentityProvider) -> None:
    """Whoever could send a member there would make an identity of their own the way into that account."""
    refused = there.get("/sso/acme/oidc/connect/", follow=True)
    assert "begin again" in refused.text
    assert refused.request["PATH_INFO"] == PAGE
    assert there.get("/sso/acme/oidc/connect/").status_code == 302
    assert connect(Client(), believed).url.startswith("/account/login/")
    onward = connect(there, believed).context["onward"]
    there.get(onward)
    assert there.get(onward).url == PAGE  # the wish serves once


def test_a_wish_is_not_carried_into_somebody_elses_name(
    owner: User, visitor: User, liar: Forger, believed: IdentityProvider
) -> None:
    client = people.enter(owner)
    onward = connect(client, believed).context["onward"]
    session = client.session
    impersonation.start(session, visitor, by=owner, at=timezone.now(), reason="to see what they see")
    session.save()
    assert client.get(onward).status_code == 403
    assert connect(client, believed).status_code == 403


def test_it_asks_who_is_there(there: Client, visitor: User, believed: IdentityProvider) -> None:
    session = there.session
    people.grow_old(session, 24 * 3600)
    session.save()
    identity = linked(believed, visitor)
    for address in (f"{believed.pk}/connect/", f"{identity.pk}/disconnect/"):
        asked = there.post(f"{PAGE}{address}")
        assert (asked.status_code, "account/step_up.html" in [one.name for one in asked.templates]) == (403, True)
    assert ExternalIdentity.objects.exists()


def test_a_provider_that_is_down_is_said_to(there: Client, believed: IdentityProvider) -> None:
    IdentityProvider.objects.update(issuer="http://127.0.0.1:9")
    said = there.get(connect(there, believed).context["onward"], follow=True)
    assert "cannot be reached at the moment" in said.text


def test_only_live_providers_of_this_tenant(there: Client, tenant: Tenant, second_tenant: Tenant) -> None:
    draft = make_idp("draft", status="draft")
    with tenancy.within(second_tenant):
        theirs = make_idp("theirs")
    page = there.get(PAGE).text
    assert "There is no provider to connect here." in page
    assert [connect(there, idp).status_code for idp in (draft, theirs)] == [404, 404]
    assert there.get(f"{PAGE}{draft.pk}/connect/").status_code == 405
    assert there.post(f"{PAGE}not-a-uuid/connect/").status_code == 404


# --- SAML ------------------------------------------------------------------------------------------------------------
@needs_xmlsec1
def test_the_same_by_saml(there: Client, visitor: User, provider: SamlIdp, corp: IdentityProvider) -> None:
    onward = connect(there, corp).context["onward"]
    assert onward == "/sso/corp/saml/start/?why=connect"
    location = there.get(onward)["Location"]
    elsewhere = Client()
    elsewhere.cookies["flow-posted"] = there.cookies["flow-posted"].value
    answer = provider.answer(there.get(METADATA).content.decode(), location)
    back = elsewhere.post(ACS, {"SAMLResponse": answer})
    assert not ExternalIdentity.objects.exists()
    assert "From now on you can sign in with Corp." in there.get(back.context["onward"], follow=True).text
    assert ExternalIdentity.objects.get().user == visitor


@needs_xmlsec1
def test_and_by_saml_not_by_a_link_nor_by_a_lie(
    there: Client, provider: SamlIdp, corp: IdentityProvider, tmp_path: Any
) -> None:
    assert there.get("/sso/corp/saml/start/?why=connect").url == PAGE
    location = there.get(connect(there, corp).context["onward"])["Location"]
    metadata = there.get(METADATA).content.decode()
    back = there.post(ACS, {"SAMLResponse": SamlIdp(tmp_path).answer(metadata, location)})
    assert "could not be believed" in there.get(back.context["onward"], follow=True).text
    assert (ExternalIdentity.objects.count(), walking.is_signed_in(there)) == (0, True)


# --- the page, and disconnecting -------------------------------------------------------------------------------------
def test_the_page_lists_what_is_connected_and_what_is_not(there: Client, visitor: User, tenant: Tenant) -> None:
    acme, _beta = make_idp(), make_idp("beta")
    linked(acme, visitor)
    page = there.get(PAGE)
    assert [one.idp.slug for one in page.context["identities"]] == ["acme"]
    assert [one.slug for one in page.context["others"]] == ["beta"]
    assert 'href="/account/providers/"' in there.get("/account/").text


def test_it_costs_the_same_with_three(
    there: Client, visitor: User, tenant: Tenant, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    there.get(PAGE)
    for slug in ("acme", "beta", "corp"):
        linked(make_idp(slug), visitor)
        make_idp(f"{slug}-2")
    with django_assert_max_num_queries(12):
        there.get(PAGE)


def test_a_member_with_a_password_disconnects(there: Client, visitor: User, tenant: Tenant) -> None:
    identity = linked(make_idp(), visitor)
    assert "Acme is disconnected." in disconnect(there, identity)
    assert acts() == ["connected", "disconnected"]
    assert there.post(f"{PAGE}{identity.pk}/disconnect/").status_code == 404


def test_the_roles_its_groups_gave_go_with_it_and_no_others(there: Client, visitor: User, tenant: Tenant) -> None:
    acme, beta = make_idp(), make_idp("beta")
    for idp in (acme, beta):
        map_group(idp, "press", "visitor")
        identity = linked(idp, visitor)
        provisioning.arrive(idp, claims(groups=("press",)), at=timezone.now())
    provisioning.disconnect(identity, by=visitor, at=timezone.now())
    assert list(RoleGrant.objects.filter(source="idp").values_list("idp__slug", flat=True)) == ["acme"]


def test_the_last_owner_does_not_disconnect_what_makes_them_one(tenant: Tenant) -> None:
    idp = make_idp()
    map_group(idp, "bosses", "owner")
    user = provisioning.arrive(idp, claims(groups=("bosses",)), at=timezone.now()).user
    User.objects.filter(pk=user.pk).update(password=people.make_user().password)
    client = people.enter(User.objects.get(pk=user.pk))
    assert "owner" in disconnect(client, ExternalIdentity.objects.get()).lower()
    assert ExternalIdentity.objects.exists()
    with pytest.raises(roles.LastOwner):
        provisioning.disconnect(ExternalIdentity.objects.get(), by=user, at=timezone.now())


def test_the_only_way_in_stays(tenant: Tenant) -> None:
    user = provisioning.arrive(make_idp(), claims(), at=timezone.now()).user
    client = people.enter(user, level=1)
    assert "This is your only way in." in disconnect(client, ExternalIdentity.objects.get())
    draft = linked(make_idp("beta"), user)
    IdentityProvider.objects.filter(slug="beta").update(status="draft")
    assert "This is your only way in." in disconnect(client, ExternalIdentity.objects.get(idp__slug="acme"))
    assert "Beta is disconnected." in disconnect(client, draft)


def test_what_the_organisation_demands_stays(there: Client, visitor: User, tenant: Tenant) -> None:
    idp = make_idp(allowed_domains=["demo.example"], is_enforced=True)
    identity = ExternalIdentity.objects.create(idp=idp, subject="s-1", user=visitor, linked_at=timezone.now())
    assert "Your organisation wants you to sign in with this provider." in disconnect(there, identity)
    assert ExternalIdentity.objects.exists()


def test_nobody_disconnects_anothers(there: Client, owner: User, tenant: Tenant) -> None:
    identity = linked(make_idp(), owner)
    assert there.post(f"{PAGE}{identity.pk}/disconnect/").status_code == 404
    assert ExternalIdentity.objects.exists()


@pytest.mark.guarantee
@pytest.mark.django_db(transaction=True)
def test_of_two_disconnected_at_once_one_stays(tenant: Tenant) -> None:
    user = provisioning.arrive(make_idp(), claims(), at=timezone.now()).user
    linked(make_idp("beta"), user)
    rows = list(ExternalIdentity.objects.all())
    acts = [lambda row=row: provisioning.disconnect(row, by=user, at=timezone.now()) for row in rows]
    assert race(acts).kinds() == {"NoneType": 1, "OnlyWayIn": 1}
    assert ExternalIdentity.objects.count() == 1
    assert Membership.objects.filter(user=user, is_active=True).exists()
