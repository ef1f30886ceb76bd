"""One's own profile: the name everywhere, phone, language and zone in this tenant; wrong input comes back as typed."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client, override_settings
from django.utils import timezone

from accounts import profiles, roles, tenants
from accounts.models import Membership, Tenant, User
from audit import reading
from audit.models import Event
from governance import people as known
from governance import tenancy
from governance.models import Person
from tests.accounts.test_one_time_codes import together
from tests.factories import accounts as people

Enter = Callable[..., Client]
PROFILE = "/account/profile/"
TYPED = {"name": "Vera V. Visitor", "phone": "+34 600 111 222", "locale": "es", "time_zone": "Europe/Madrid"}


def person(user: User) -> Person:
    return profiles.person_of(user, at=timezone.now())


def revise(user: User, **typed: str) -> Person:
    return profiles.revise(user, **(TYPED | typed), by=user, at=timezone.now())


def entries(action: str) -> list[Any]:
    return list(Event.objects.filter(action=action).order_by("pk"))


def test_name_phone_language_and_zone_are_written_where_they_belong(visitor: User) -> None:
    kept = revise(visitor)
    assert (kept.name, kept.phone, kept.locale, kept.time_zone) == tuple(TYPED.values())
    assert User.objects.get(pk=visitor.pk).display_name == "Vera V. Visitor"
    assert list(known.search("Vera V.")) == [kept]


def test_the_ledger_has_it_under_the_persons_key(visitor: User) -> None:
    kept = revise(visitor)
    (changed,), (corrected,) = entries("accounts.profile.changed"), entries("governance.person.corrected")
    assert "Vera V." not in str(changed.content) and "600 111" not in str(corrected.content)
    assert [tuple(change) for change in reading.changes(changed)] == [("display_name", "Visitor", "Vera V. Visitor")]
    assert changed.content["people"] == [str(kept.pk)]


def test_the_same_again_writes_nothing(visitor: User) -> None:
    revise(visitor)
    before = Event.objects.count()
    revise(visitor)
    assert Event.objects.count() == before


def test_the_other_tenants_person_stays_as_it_is(visitor: User, second_tenant: Tenant) -> None:
    with tenancy.within(second_tenant):
        tenants.join(visitor, at=timezone.now())
    revise(visitor)
    with tenancy.within(second_tenant):
        there = person(visitor)
        assert (there.name, there.phone) == ("Visitor", "")


def test_nobody_writes_anothers(owner: User, visitor: User) -> None:
    with pytest.raises(profiles.NotYourOwn):
        profiles.revise(visitor, **TYPED, by=owner, at=timezone.now())
    visitor.seen_by = owner
    with pytest.raises(profiles.NotYourOwn):
        revise(visitor)


def test_who_is_no_member_or_was_erased_has_none(visitor: User, stranger: User) -> None:
    with pytest.raises(roles.NotHere):
        person(stranger)
    known.erase(person(visitor), by=None, at=timezone.now())
    with pytest.raises(known.AlreadyErased):
        revise(visitor)
    assert User.objects.get(pk=visitor.pk).display_name == "Visitor"


def test_a_member_from_before_gets_a_person_once(visitor: User) -> None:
    assert Membership.objects.get(user=visitor).person is None
    assert person(visitor) == person(visitor) == Membership.objects.get(user=visitor).person


def test_whoever_shares_name_and_address_with_anothers_person_gets_one_of_their_own(visitor: User) -> None:
    taken = known.recognise(name="Visitor", email=visitor.email, at=timezone.now())
    Membership.objects.create(user=people.make_user("double"), person=taken)
    assert person(visitor) != taken


@pytest.mark.guarantee
@pytest.mark.django_db(transaction=True)
def test_many_who_ask_at_once_find_one_person(visitor: User) -> None:
    tenant = tenancy.current()

    def ask() -> Person:
        with tenancy.within(tenant):
            return person(User.objects.get(pk=visitor.pk))

    assert len({found.pk for found in together([ask] * 5)}) == 1
    assert Person.objects.count() == 1


# --- the page --------------------------------------------------------------------------------------------------------
def test_the_page_shows_and_saves(enter: Enter, visitor: User) -> None:
    client = enter(visitor, level=1)
    page = client.get(PROFILE)
    assert page.status_code == 200 and page.context["form"].initial["name"] == "Visitor"
    assert client.post(PROFILE, TYPED).url == PROFILE
    shown = client.get(PROFILE).content.decode()
    assert "Your profile is saved." in shown and "+34 600 111 222" in shown
    assert '<option value="Europe/Madrid" selected>' in shown


WRONG = [
    {"name": ""},
    {"name": "two\nlines"},
    {"name": "x" * 121},
    {"name": "Vera\x00"},
    {"name": "\u202eareV"},
    {"phone": "call me"},
    {"phone": "1" * 40},
    {"locale": "tlh"},
    {"time_zone": "Mars/Olympus"},
    {"time_zone": "UTC\x00"},
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: repr(wrong)[:24])
def test_wrong_input_comes_back_as_typed(enter: Enter, visitor: User, wrong: dict[str, str]) -> None:
    answer = enter(visitor, level=1).post(PROFILE, TYPED | wrong)
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == set(wrong)
    kept = next(value for name, value in TYPED.items() if name not in wrong)
    assert kept in answer.content.decode()
    assert not entries("accounts.profile.changed")


def test_nonsense_is_a_form_again(enter: Enter, visitor: User) -> None:
    client = enter(visitor, level=1)
    for body in (b"\xff\xfe=%00&name[]=x", b"name=a&name=b&phone=1&phone=2"):
        answer = client.generic("POST", PROFILE, body, content_type="application/x-www-form-urlencoded")
        assert answer.status_code in (302, 422)
    assert client.put(PROFILE).status_code == 405


def test_of_an_erased_person_the_page_opens_and_refuses(enter: Enter, visitor: User) -> None:
    known.erase(person(visitor), by=None, at=timezone.now())
    client = enter(visitor, level=1)
    assert client.get(PROFILE).status_code == 200
    assert client.post(PROFILE, TYPED).context["form"].non_field_errors() == ["This person was erased."]


def test_strangers_sign_in_first(client: Client, tenant: Tenant) -> None:
    assert client.get(PROFILE).url == f"/account/login/?next={PROFILE}"


@override_settings(RATELIMIT_ENABLE=True)
def test_too_often_is_told_so(enter: Enter, visitor: User) -> None:
    client = enter(visitor, level=1)
    answers = [client.post(PROFILE, {"name": ""}).status_code for _ in range(32)]
    assert answers[:30] == [422] * 30 and answers[-1] == 429
