"""The whole code flow with the certified provider: in, in again, refused, proved anew, out."""

from urllib.parse import urlencode

import pytest
from django.test import Client

from accounts import signin
from accounts.models import ExternalIdentity, IdentityProvider, Membership, RoleGrant, User
from tests.sso import walking
from tests.sso.certified import Person
from tests.sso.walking import asked, assert_refused, is_signed_in, path_of

pytestmark = pytest.mark.node


def walk(client: Client, person: Person, *, start: str = walking.START, query: str = "") -> object:
    out = client.get(start + query)
    assert out.status_code == 302
    return client.get(path_of(person.goes_to(out.url)))


def test_a_new_member_comes_in_with_the_roles_of_their_groups(client: Client, acme: IdentityProvider) -> None:
    arrived = walk(client, Person("ada", second_factor=True), query="?next=/account/")
    assert (arrived.status_code, arrived.context["onward"]) == (200, "/account/")
    assert '<meta http-equiv="refresh" content="0; url=/account/">' in arrived.text
    user = User.objects.get(email="ada@acme.example")
    kept = client.session[signin.STANDING]
    assert (kept["methods"], kept["level"]) == (["idp", "idp-mfa"], 2)
    assert ExternalIdentity.objects.get(user=user).subject == "ada"
    grants = RoleGrant.objects.filter(membership__user=user)
    assert [(given.role.key, given.source) for given in grants] == [("receptionist", "idp")]
    assert client.get("/admin/").status_code == 200


def test_somebody_known_comes_in_again(acme: IdentityProvider) -> None:
    for _visit in range(2):
        client = Client()
        walk(client, Person("ada"))
        assert is_signed_in(client)
    assert Membership.objects.filter(user__email="ada@acme.example").count() == 1


def test_a_sign_in_without_second_factor_opens_no_back_office(client: Client, acme: IdentityProvider) -> None:
    walk(client, Person("ada"))
    assert client.session[signin.STANDING]["level"] == 1
    assert client.get("/admin/").url.startswith("/account/two_factor/setup/")


def test_what_is_asked_for(client: Client, acme: IdentityProvider) -> None:
    sent = asked(client.get(walking.START).url)
    assert sent["redirect_uri"] == f"http://testserver{walking.CALLBACK}"
    assert (sent["response_type"], sent["code_challenge_method"]) == ("code", "S256")
    assert (sent["client_id"], sent["scope"]) == ("verso", "openid email profile")
    assert min(len(sent[name]) for name in ("state", "nonce", "code_challenge")) >= 32
    cookie = client.cookies["flow"]
    assert (cookie["samesite"], cookie["httponly"], cookie["max-age"], cookie["path"]) == ("Lax", True, 600, "/")


def test_somebody_of_another_domain_is_refused(client: Client, acme: IdentityProvider) -> None:
    assert_refused(client, walk(client, Person("eve")), "domain_not_allowed")
    assert not User.objects.filter(email="eve@elsewhere.example").exists()


def test_somebody_who_cancels_is_refused(client: Client, acme: IdentityProvider) -> None:
    back = Person("ada").goes_to(client.get(walking.START).url, cancels=True)
    answer = client.get(path_of(back))
    assert_refused(client, answer, "access_denied")
    assert "&lt;no&gt;" not in answer.text


def test_the_same_answer_twice_is_refused(client: Client, acme: IdentityProvider) -> None:
    back = path_of(Person("ada").goes_to(client.get(walking.START).url))
    assert client.get(back).status_code == 200
    del client.cookies["session"]
    assert_refused(client, client.get(back), "unknown state")


def test_the_answer_brought_by_another_browser_is_refused(client: Client, acme: IdentityProvider) -> None:
    """Somebody is made to follow another's link, to work in the other's account without knowing."""
    back = path_of(Person("ada").goes_to(client.get(walking.START).url))
    victim = Client()
    assert_refused(victim, victim.get(back), "no cookie")
    victim.get(walking.START)
    assert_refused(victim, victim.get(back), "another browser")
    assert client.get(back).status_code == 200


def test_a_stolen_code_is_worth_nothing_without_its_verifier(acme: IdentityProvider) -> None:
    victim, thief = Client(), Client()
    stolen = asked(Person("ada").goes_to(victim.get(walking.START).url))
    own = asked(thief.get(walking.START).url)
    query = urlencode({"code": stolen["code"], "state": own["state"], "iss": stolen["iss"]})
    assert_refused(thief, thief.get(f"{walking.CALLBACK}?{query}"), "token endpoint: status 400")


def test_proving_oneself_anew(client: Client, acme: IdentityProvider) -> None:
    ada = Person("ada")
    walk(client, ada)
    ada.second_factor = True
    out = client.get("/sso/acme/oidc/again/?next=/account/password/")
    sent = asked(out.url)
    assert (sent["prompt"], sent["max_age"]) == ("login", "0")
    arrived = client.get(path_of(ada.goes_to(out.url)))
    assert client.session[signin.STANDING]["level"] == 1  # the callback has no session with it; the next page does
    done = client.get(arrived.context["onward"])
    assert (done.status_code, done.url) == (302, "/account/password/")
    assert client.session[signin.STANDING]["level"] == 2
    assert client.get(arrived.context["onward"]).status_code == 403


def test_proving_oneself_anew_as_somebody_else_is_refused(client: Client, acme: IdentityProvider) -> None:
    IdentityProvider.objects.update(allowed_domains=[])
    ada, eve = Person("ada"), Person("eve", second_factor=True)
    walk(client, ada)
    walk(Client(), eve)
    out = client.get("/sso/acme/oidc/again/")
    refused = client.get(path_of(eve.goes_to(out.url)))
    assert (refused.status_code, walking.refusals()[-1][1]) == (403, "somebody else")
    assert client.session[signin.STANDING]["level"] == 1


def test_proving_oneself_anew_with_one_factor_is_refused(client: Client, acme: IdentityProvider) -> None:
    ada = Person("ada")
    walk(client, ada)
    out = client.get("/sso/acme/oidc/again/")
    refused = client.get(path_of(ada.goes_to(out.url)))
    assert (refused.status_code, walking.refusals()[-1][1]) == (403, "no second factor")


def test_leaving_here_and_at_the_provider(client: Client, acme: IdentityProvider) -> None:
    ada = Person("ada")
    walk(client, ada)
    left = client.post("/sso/acme/oidc/sign-out/")
    assert not is_signed_in(client)
    onward = left.context["onward"]
    assert onward.startswith(f"{acme.issuer}/session/end?")
    page = ada.browser.get(onward)
    assert page.status_code == 200
    assert "Sign out at Acme" in page.text
