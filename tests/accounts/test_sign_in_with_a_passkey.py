"""A passkey alone brings its person in: it verified them, and answers to this host only."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import policies, roles, security_keys, signin
from accounts.models import Membership, Tenant, User
from audit.models import Event
from governance import tenancy
from tests.accounts.signing_in import is_in
from tests.accounts.test_one_time_codes import together
from tests.factories import accounts as people
from tests.factories.security_keys import HERE, PRESENT, SoftKey, add_key, row_of
from tests.factories.sso import make_idp

PAGE = "/account/passkey/"
NO = "This key did not answer as expected. Please try again."


def asked(client: Client, query: str = "") -> str:
    return str(client.get(PAGE + query).context["form"].options)


def show(client: Client, key: SoftKey, user: User, *, query: str = "", **how: Any) -> Any:
    return client.post(PAGE + query, {"answer": key.get(asked(client, query), **{"handle": user.pk.bytes} | how)})


def refused(answer: Any) -> bool:
    return answer.status_code == 422 and NO in answer.text


def test_an_owner_is_in_with_nothing_else(client: Client, owner: User) -> None:
    key = add_key(owner, counts=False)
    before = client.get(PAGE).wsgi_request.session.session_key
    assert show(client, key, owner, query="?next=/admin/accounts/role/").url == "/admin/accounts/role/"
    assert client.session.session_key != before
    assert client.session[signin.STANDING]["level"] == policies.RESISTS_PHISHING
    assert is_in(client)
    assert Event.objects.filter(action="accounts.session.started").latest("pk").reason == "webauthn"
    assert client.get(PAGE).status_code == 302


def test_the_page_offers_itself_at_sign_in_and_the_way_back(client: Client, tenant: Tenant) -> None:
    assert f'href="{PAGE}?next=/admin/"' in client.get("/account/login/?next=/admin/").text
    assert 'href="/account/login/?next=/admin/"' in client.get(f"{PAGE}?next=/admin/").text


def test_no_key_is_named_before_somebody_is_known(client: Client, owner: User) -> None:
    add_key(owner)
    assert '"allowCredentials": []' in asked(client)


def test_another_challenge_host_origin_or_person_is_refused(client: Client, owner: User, manager: User) -> None:
    key = add_key(owner)
    assert refused(show(client, key, owner, origin="https://testserver.example"))
    assert refused(show(client, key, owner, flags=PRESENT))  # it verified nobody
    assert refused(show(client, key, owner, handle=manager.pk.bytes))
    assert refused(show(client, key, owner, handle=b""))
    assert refused(show(client, SoftKey(), owner))  # enrolled nowhere
    stale = asked(client)
    asked(client)
    assert refused(client.post(PAGE, {"answer": key.get(stale, handle=owner.pk.bytes)}))
    assert not is_in(client)


@pytest.mark.parametrize("nonsense", ["", "{}", "[]", "null", '{"id": "\\u0000", "response": {}}', "x" * 30_000])
def test_nonsense_is_refused(client: Client, owner: User, nonsense: str) -> None:
    asked(client)
    assert client.post(PAGE, {"answer": nonsense}).status_code == 422


def test_an_answer_serves_once(client: Client, owner: User) -> None:
    key = add_key(owner, counts=False)
    options = asked(client)
    answer = {"answer": key.get(options, handle=owner.pk.bytes)}
    kept = dict(client.session)
    assert client.post(PAGE, answer).status_code == 302
    copied = Client()
    session = copied.session
    session.update({name: value for name, value in kept.items() if not name.startswith("_")})
    session.save()
    copied.cookies["session"] = session.session_key
    assert refused(copied.post(PAGE, answer))


@pytest.mark.guarantee
@pytest.mark.django_db(transaction=True)
def test_two_who_bring_the_same_answer_at_once_are_one(owner: User) -> None:
    key = add_key(owner, counts=False)
    question = security_keys.options_to_sign_in(place=HERE)
    answer = key.get(question.json, handle=owner.pk.bytes)

    def bring() -> bool:
        try:
            security_keys.use(owner, answer=answer, challenge=question.challenge, place=HERE, at=timezone.now())
        except security_keys.NotThisKey:
            return False
        return True

    assert sorted(together([bring] * 4)) == [False, False, False, True]


def test_a_copied_key_is_refused_and_noted(client: Client, owner: User) -> None:
    key = add_key(owner)
    copy = key.copy()
    assert show(client, key, owner).status_code == 302
    assert refused(show(Client(), copy, owner))
    assert Event.objects.filter(action="accounts.signin.failed").latest("pk").reason == "copied security key"


def test_whoever_is_not_to_come_in_reads_the_same(client: Client, owner: User, visitor: User) -> None:
    key = add_key(visitor)
    roles.end_membership(Membership.objects.get(user=visitor), by=owner, at=timezone.now())
    assert refused(show(client, key, visitor))
    partner = people.make_member("partner", role="owner")
    key = add_key(partner)
    User.objects.filter(pk=partner.pk).update(is_active=False)
    assert refused(show(client, key, partner))


def test_where_a_provider_is_the_only_way_in_no_passkey_opens(client: Client, owner: User) -> None:
    key = add_key(owner)
    make_idp("acme", is_enforced=True, allowed_domains=["demo.example"])
    assert refused(show(client, key, owner))


def test_a_key_of_another_tenants_host_opens_nothing_here(client: Client, second_tenant: Tenant, owner: User) -> None:
    with tenancy.within(second_tenant):
        theirs = people.make_member("theirs", role="owner")
        there = security_keys.Place("second.testserver", "http://second.testserver", "Second")
        key = add_key(theirs, place=there)
    assert refused(show(client, key, theirs))


def test_a_bare_address_holds_no_passkeys(tenant: Tenant, client: Client) -> None:
    tenant.domains.create(tenant=tenant, host="127.0.0.1")
    page = client.get(PAGE, headers={"host": "127.0.0.1"})
    assert (page.status_code, "bound to a name" in page.text, "/account/login/" in page.text) == (409, True, True)


def test_new_keys_are_asked_to_know_their_person(owner: User) -> None:
    assert '"residentKey": "preferred"' in security_keys.options_to_enrol(owner, place=HERE).json


def test_the_key_remembers_its_use(client: Client, owner: User) -> None:
    key = add_key(owner)
    show(client, key, owner)
    assert row_of(key).last_used_at is not None
