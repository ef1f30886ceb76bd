"""Staff find people, see their data, put it right; nothing of another tenant, no name in the admin's own log."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from accounts.models import Tenant, User
from governance import people, tenancy
from governance.models import Person, TenantKey
from tests.factories.governance import AT, make_person

pytestmark = pytest.mark.django_db
LIST = "/admin/governance/person/"


def page_of(person: Person) -> str:
    return reverse("admin:governance_person_change", args=[person.pk])


@pytest.fixture
def maria(tenant: Tenant) -> Person:
    return make_person("María Núñez", email="maria@example.org", phone="+34 600 123 456")


@pytest.fixture
def theirs(second_tenant: Tenant) -> Person:
    with tenancy.within(second_tenant):
        return make_person("Theirs One", email="theirs@example.org")


@pytest.mark.parametrize("term", ["nuñ", "maria nunez", "MARIA@example.org", "+34600123456"])
def test_staff_find_people(enter: Any, receptionist: User, maria: Person, theirs: Person, term: str) -> None:
    make_person("Pedro Marín", email="pedro@example.org")
    text = enter(receptionist).get(LIST, {"q": term}).content.decode()
    assert "María Núñez" in text and "maria@example.org" in text
    assert "Pedro" not in text


def test_another_tenants_people_are_neither_listed_found_nor_opened(
    enter: Any, receptionist: User, maria: Person, theirs: Person
) -> None:
    desk = enter(receptionist)
    assert "Theirs" not in desk.get(LIST).content.decode()
    for term in ("theirs", "theirs@example.org"):
        assert "Theirs" not in desk.get(LIST, {"q": term}).content.decode()
    for asked in ({"id__exact": theirs.pk}, {"tenant__id__exact": theirs.tenant_id}, {"wrapped_key__isnull": "0"}):
        answer = desk.get(LIST, asked, follow=True)
        assert answer.status_code in (200, 400) and "Theirs" not in answer.content.decode()
    for address in (page_of(theirs), page_of(theirs).replace("/change/", "/history/")):
        assert "Theirs" not in desk.get(address, follow=True).content.decode()
    assert desk.post(page_of(theirs), {"name": "Taken", "email": "", "phone": ""}).status_code in (302, 403, 404)
    with tenancy.within(theirs.tenant_id):
        assert Person.objects.get(pk=theirs.pk).name == "Theirs One"


def test_a_list_of_three_costs_what_a_list_of_one_costs(
    enter: Any, receptionist: User, maria: Person, django_assert_num_queries: Any
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    desk = enter(receptionist)
    desk.get(LIST)
    with CaptureQueriesContext(connection) as one:
        desk.get(LIST)
    make_person("Pedro Marín")
    make_person("Lucía Gil")
    with django_assert_num_queries(len(one)):
        assert "Lucía Gil" in desk.get(LIST).content.decode()


def test_staff_put_a_name_right_through_the_verb(enter: Any, receptionist: User, maria: Person) -> None:
    desk = enter(receptionist)
    text = desk.get(page_of(maria)).content.decode()
    assert "María Núñez" in text and "tenant" not in list(desk.get(page_of(maria)).context["adminform"].form.fields)
    typed = {"name": "Marta Ruiz", "email": "maria@example.org", "phone": "", "locale": "es", "time_zone": ""}
    assert desk.post(page_of(maria), typed).status_code == 302
    assert [person.name for person in people.search("ruiz")] == ["Marta Ruiz"]
    assert not people.search("+34600123456") and not people.search("núñez")
    entry = LogEntry.objects.get(object_id=str(maria.pk))
    assert entry.object_repr == f"person {maria.pk}"
    assert "Marta" not in entry.change_message and "María" not in entry.change_message


def test_nonsense_keeps_what_was_typed(enter: Any, receptionist: User, maria: Person) -> None:
    typed = {"name": "", "email": "not an address", "phone": "x" * 50, "locale": "es", "time_zone": ""}
    answer = enter(receptionist).post(page_of(maria), typed)
    assert answer.status_code == 200
    assert set(answer.context["adminform"].form.errors) == {"name", "email", "phone"}
    assert "not an address" in answer.content.decode()


def test_an_erased_person_is_shown_as_that(enter: Any, receptionist: User, maria: Person) -> None:
    people.erase(maria, by=None, at=AT)
    desk = enter(receptionist)
    assert "erased on 2026-11-23" in desk.get(LIST).content.decode()
    text = desk.get(page_of(maria)).content.decode()
    assert "erased on 2026-11-23" in text and 'name="name"' not in text
    assert desk.post(page_of(maria), {"name": "Back"}).status_code == 403


def test_nobody_adds_or_deletes_people_here(enter: Any, owner: User, maria: Person) -> None:
    desk = enter(owner)
    assert desk.get(f"{LIST}add/").status_code == 403
    assert desk.post(page_of(maria).replace("/change/", "/delete/"), {"post": "yes"}).status_code == 403
    assert "delete_selected" not in desk.get(LIST).content.decode()


def test_keys_show_their_age_and_nothing_else(enter: Any, owner: User, maria: Person) -> None:
    key = TenantKey.objects.get(purpose="people")
    text = enter(owner).get("/admin/governance/tenantkey/").content.decode()
    assert "file" in text and bytes(key.wrapped).hex() not in text
    page = enter(owner).get(reverse("admin:governance_tenantkey_change", args=[key.pk]))
    assert page.status_code == 200 and "_save" not in page.content.decode()


@pytest.mark.parametrize("who", ["visitor", "stranger"])
def test_others_do_not_get_in(enter: Any, request: pytest.FixtureRequest, maria: Person, who: str) -> None:
    visitor = enter(request.getfixturevalue(who), level=1)
    assert visitor.get(LIST).status_code in (302, 403, 404)
    assert visitor.get(page_of(maria)).status_code in (302, 403, 404)
