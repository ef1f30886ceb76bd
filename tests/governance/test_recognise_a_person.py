"""Somebody types their name and e-mail: they are recognised, or become a new row; nothing stored changes or shows."""

import pytest
from django.core.exceptions import FieldError
from django.db import connection, transaction

from accounts.models import Tenant
from governance import keys, people, tenancy
from governance.models import NameToken, Person
from tests.factories.governance import AT, make_person

pytestmark = pytest.mark.django_db


def test_the_same_person_is_recognised_however_they_spell_it(tenant: Tenant) -> None:
    first = make_person("María Núñez", email="maria@example.org", phone="+34 600 123 456")
    again = people.recognise(name=" maría  NÚÑEZ", email="Maria@Example.org", phone="+34600123456", at=AT)
    without_phone = people.recognise(name="María Núñez", email="maria@example.org", at=AT)
    assert (again.pk, without_phone.pk) == (first.pk, first.pk)


@pytest.mark.parametrize(
    "typed",
    [
        {"name": "Somebody Else", "email": "maria@example.org"},
        {"name": "María Núñez", "email": "maria@example.org", "phone": "+34 600 999 999"},
        {"name": "María Núñez", "email": "other@example.org"},
    ],
)
def test_whoever_contradicts_what_is_stored_becomes_a_new_row(tenant: Tenant, typed: dict[str, str]) -> None:
    first = make_person("María Núñez", email="maria@example.org", phone="+34 600 123 456", locale="es")
    stranger = people.recognise(**typed, locale="en", at=AT)
    assert stranger.pk != first.pk
    kept = Person.objects.get(pk=first.pk)
    assert (kept.name, kept.email, kept.phone, kept.locale) == (
        "María Núñez",
        "maria@example.org",
        "+34 600 123 456",
        "es",
    )


def test_a_phone_typed_where_none_is_stored_is_not_added_to_somebody_elses_row(tenant: Tenant) -> None:
    first = make_person("María Núñez", email="maria@example.org")
    other = people.recognise(name="María Núñez", email="maria@example.org", phone="+34 600 999 999", at=AT)
    assert other.pk != first.pk
    assert Person.objects.get(pk=first.pk).phone == ""


def test_something_that_is_no_address_is_refused(tenant: Tenant) -> None:
    with pytest.raises(people.NotAnAddress):
        people.recognise(name="A", email="nonsense", at=AT)
    assert not Person.objects.exists()


def test_the_other_tenant_recognises_nobody(tenant: Tenant, second_tenant: Tenant) -> None:
    first = make_person("María Núñez", email="maria@example.org")
    with tenancy.within(second_tenant):
        other = make_person("María Núñez", email="maria@example.org")
    assert other.pk != first.pk
    assert other.email_index != first.email_index


def test_nothing_readable_lies_in_the_table(tenant: Tenant) -> None:
    make_person("Maria Nunez", email="maria@example.org", phone="+34600123456")
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM governance_person")
        stored = b"".join(bytes(v) if isinstance(v, bytes | memoryview) else str(v).encode() for v in cursor.fetchone())
    assert not [word for word in (b"Maria", b"Nunez", b"maria", b"600123456") if word in stored]


def test_staff_find_people_by_name_email_and_phone(tenant: Tenant, second_tenant: Tenant) -> None:
    maria = make_person("María del Mar Núñez", email="maria@example.org", phone="+34 600 123 456")
    make_person("Pedro Marín", email="pedro@example.org")
    with tenancy.within(second_tenant):
        make_person("María del Mar Núñez", email="maria@example.org", phone="+34 600 123 456")

    def found(text: str) -> list[str]:
        return sorted(person.name for person in people.search(text))

    assert found("nuñ") == ["María del Mar Núñez"]
    assert found("mar") == ["María del Mar Núñez", "Pedro Marín"]
    assert found("NUNEZ maria") == ["María del Mar Núñez"]
    assert found("maria pedro") == []
    assert found("MARIA@example.org") == ["María del Mar Núñez"]
    assert found("+34600123456") == ["María del Mar Núñez"]
    assert found("") == found("m") == found("%") == found("zz") == []
    assert list(people.search("maria@example.org")) == [maria]


def test_correcting_moves_the_indexes_along(tenant: Tenant) -> None:
    person = make_person("María Núñez", email="maria@example.org")
    people.correct(person, by=None, at=AT, name="Marta Ruiz", email="marta@example.org", phone="+34 600 123 456")
    assert [p.name for p in people.search("ruiz")] == ["Marta Ruiz"]
    assert not people.search("núñez")
    assert not people.search("maria@example.org")
    assert people.search("+34600123456").get().email == "marta@example.org"
    with pytest.raises(people.NotCorrectable):
        people.correct(person, by=None, at=AT, wrapped_key="x")


def test_erasing_makes_everything_unreadable_and_unfindable(tenant: Tenant) -> None:
    held = make_person("María Núñez", email="maria@example.org", phone="+34 600 123 456")
    loaded = Person.objects.get(pk=held.pk)
    assert loaded.name == "María Núñez"
    erased = people.erase(loaded, by=None, at=AT)
    assert (erased.erased_at, erased.email_index, erased.phone_index) == (AT, "", "")
    for row in (erased, loaded, Person.objects.get(pk=held.pk)):
        for field in ("name", "email", "phone"):
            with pytest.raises(keys.Erased) as gone:
                getattr(row, field)
            assert gone.value.at == AT
        assert str(row) == "erased on 2026-11-23"
    assert not NameToken.objects.exists()
    assert not people.search("maria@example.org") and not people.search("maria")
    for attempt in (people.erase, people.correct):
        with pytest.raises(people.AlreadyErased):
            attempt(erased, by=None, at=AT)
    assert people.recognise(name="María Núñez", email="maria@example.org", at=AT).pk != held.pk


def test_encrypted_columns_cannot_be_compared_or_bulk_updated(tenant: Tenant) -> None:
    make_person("María Núñez")
    for asked in ({"name": "x"}, {"name__icontains": "x"}, {"email__startswith": "x"}, {"phone__in": ["x"]}):
        with pytest.raises(FieldError):
            Person.objects.filter(**asked)
    with pytest.raises(FieldError), transaction.atomic():
        Person.objects.update(name="x")
    person = Person.objects.get()
    person.name = "y"
    with pytest.raises(FieldError), transaction.atomic():
        Person.objects.bulk_update([person], ["name"])
    assert Person.objects.get().name == "María Núñez"
