"""Another e-mail address: a code to the new one, a notice to the old one, every other session ended."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import codes, emails
from accounts.models import EmailCode, ExternalIdentity, IdentityProvider, Membership, Tenant, User
from audit.models import Event
from governance import people as persons
from tests.accounts.by_code import EMAIL, code_in, confirm, deliver, sent_code
from tests.factories import accounts as people
from tests.racing import race

ADDRESS = "new@example.org"


@pytest.fixture
def client(visitor: User) -> Client:
    """The visitor's browser."""
    return people.enter(visitor, level=1)


def ask(client: Client, new: str = ADDRESS) -> Any:
    return client.post(EMAIL, {"email": new})


def address_of(user: User) -> str:
    return str(User.objects.get(pk=user.pk).email)


# --- the verb ---------------------------------------------------------------------------------------------------------
def proven(user: User, new: str = ADDRESS) -> EmailCode:
    code = emails.ask(user, new=new, locale="en", by=user, at=timezone.now())
    return codes.prove(code.pk, purpose="email", typed=codes.clear_code(code), at=timezone.now())


def change(user: User, code: EmailCode) -> None:
    emails.change(user, code_id=code.pk, by=user, at=timezone.now())


def test_the_proven_address_takes_the_place_of_the_old(visitor: User) -> None:
    epoch = visitor.session_epoch
    change(visitor, proven(visitor))
    kept = User.objects.get(pk=visitor.pk)
    assert (kept.email, kept.email_key, kept.session_epoch) == (ADDRESS, ADDRESS, epoch + 1)
    told = Event.objects.get(action="accounts.email.changed")
    assert told.object_id == str(visitor.pk)
    assert not [e for e in Event.objects.all() if ADDRESS.encode() in bytes(e.body) or b"visitor@demo" in bytes(e.body)]


@pytest.mark.parametrize("same", [True, False])
def test_this_tenants_person_follows_if_it_had_the_old_one(visitor: User, same: bool) -> None:
    email = visitor.email if same else "private@example.org"
    person = persons.recognise(name="Visitor", email=email, at=timezone.now())
    Membership.objects.filter(user=visitor).update(person=person)
    change(visitor, proven(visitor))
    person.refresh_from_db()
    assert person.email == (ADDRESS if same else email)


def test_only_ones_own_code_and_once(visitor: User, receptionist: User) -> None:
    code = proven(visitor)
    with pytest.raises(codes.CodeOver):
        change(receptionist, code)
    change(visitor, code)
    with pytest.raises(codes.CodeOver):
        change(visitor, code)


def test_another_spelling_of_ones_own_is_another_address(visitor: User) -> None:
    change(visitor, proven(visitor, "Visitor@demo.example"))
    assert address_of(visitor) == "Visitor@demo.example"
    with pytest.raises(emails.SameAddress):
        emails.ask(visitor, new="Visitor@demo.example", locale="en", by=visitor, at=timezone.now())


@pytest.mark.guarantee
@pytest.mark.django_db(transaction=True)
def test_of_those_who_want_one_address_the_first_has_it(tenant: Tenant) -> None:
    users = [people.make_member(f"wants{n}") for n in range(4)]
    ready = [(user, proven(user)) for user in users]
    result = race([lambda pair=pair: change(*pair) for pair in ready])
    assert result.kinds() == {"NoneType": 1, "AddressTaken": 3}
    assert User.objects.filter(email_key=ADDRESS).count() == 1


# --- the page ---------------------------------------------------------------------------------------------------------
def test_changed_here_and_ended_elsewhere(client: Client, visitor: User) -> None:
    elsewhere, before = people.enter(visitor, level=1), client.session.session_key
    assert ask(client).url == EMAIL + "confirm/"
    (message,) = deliver()
    assert message.to == [ADDRESS]
    assert address_of(visitor) == "visitor@demo.example"
    assert confirm(client, EMAIL, code_in(message)).url == "/account/"
    assert address_of(visitor) == ADDRESS
    assert client.get("/account/").status_code == 200 and client.session.session_key != before
    assert elsewhere.get("/account/").status_code == 302
    (notice,) = deliver()
    assert (notice.to, ADDRESS in notice.body) == (["visitor@demo.example"], False)
    assert deliver() == []


def test_the_account_page_leads_here(client: Client) -> None:
    assert f'href="{EMAIL}"' in client.get("/account/").text
    assert "visitor@demo.example" in client.get(EMAIL).text


def test_who_has_it_already_is_told_and_nothing_else_shows_it(client: Client, visitor: User, owner: User) -> None:
    assert ask(client, owner.email).url == EMAIL + "confirm/"
    (message,) = deliver()
    assert (message.to, code_in(message)) == ([owner.email], "")
    assert "nothing has been changed" in message.body
    assert confirm(client, EMAIL, "BCDF-GHJK").status_code == 422


def test_taken_meanwhile_is_said_clearly(client: Client, visitor: User) -> None:
    ask(client)
    code = sent_code()
    people.make_user("new", at_host="example.org")
    answer = confirm(client, EMAIL, code)
    assert (answer.status_code, "belongs to another account by now" in answer.text) == (410, True)
    assert address_of(visitor) == "visitor@demo.example"
    assert client.get("/account/").status_code == 200


def test_a_stale_session_is_asked_to_confirm_first(client: Client, visitor: User) -> None:
    session = client.session
    people.grow_old(session, 3600)
    session.save()
    assert client.get(EMAIL).status_code == 200
    assert "Confirm it is you" in ask(client).text
    assert not EmailCode.objects.exists()


@pytest.mark.parametrize("new", ["", "nobody", "visitor@demo.example", "\x00@example.org"])
def test_what_is_no_other_address_stands_beside_its_field(client: Client, new: str) -> None:
    answer = ask(client, new)
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["email"])


def test_what_another_asked_for_in_this_browser_is_not_ones_own(client: Client, manager: User) -> None:
    ask(client)
    code = sent_code()
    people.enter(manager, client=client)
    assert client.get(EMAIL + "confirm/").url == EMAIL
    assert confirm(client, EMAIL, code).status_code == 410
    assert address_of(manager) == "manager@demo.example"


def test_strangers_are_led_to_sign_in(tenant: Tenant) -> None:
    assert Client().get(EMAIL).url == f"/account/login/?next={EMAIL}"
    assert Client().get(EMAIL + "confirm/").status_code == 302


# --- who may not ------------------------------------------------------------------------------------------------------
def provider(**fields: Any) -> IdentityProvider:
    return IdentityProvider.objects.create(slug="okta", name="Okta", protocol="saml", status="live", **fields)


def test_whose_provider_says_what_the_address_is(client: Client, visitor: User) -> None:
    ExternalIdentity.objects.create(idp=provider(), subject="x", user=visitor, linked_at=timezone.now())
    visitor.password = "!"
    User.objects.filter(pk=visitor.pk).update(password="!")
    client = people.enter(visitor, level=1)
    page = client.get(EMAIL)
    assert "through Okta" in page.text and "<form" not in page.text.split("<main")[1].split("</main")[0]
    assert ask(client).status_code == 403


def test_nor_where_a_provider_is_the_only_way_in(client: Client, visitor: User) -> None:
    provider(is_enforced=True, allowed_domains=["demo.example"])
    assert "through Okta" in client.get(EMAIL).text
    with pytest.raises(emails.ProviderDecides):
        emails.ask(visitor, new=ADDRESS, locale="en", by=visitor, at=timezone.now())


def test_nor_to_an_address_a_provider_manages(client: Client) -> None:
    provider(is_enforced=True, allowed_domains=["example.org"])
    answer = ask(client)
    assert answer.context["form"].errors["email"] == ["This address is managed by the organisation you sign in with."]


def test_staff_too_with_their_second_factor(owner: User, enter: Callable[..., Client]) -> None:
    client = enter(owner)
    ask(client)
    assert confirm(client, EMAIL, sent_code()).url == "/account/"
    assert client.get("/admin/").status_code == 200
