"""Rows of a tenant are seen and written in that tenant only; without one, nothing happens at all."""

import pickle
from typing import Any

import pytest
from django.db import DatabaseError, connection, models, transaction
from django.db.models import Count, Exists, F, OuterRef, Subquery

from accounts.models import Tenant, TenantDomain
from audit import context
from cms.models import ContactMessage
from governance import tenancy
from governance.models import NameToken, Person, TenantKey
from tests.factories.governance import make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def both(tenant: Tenant, second_tenant: Tenant) -> tuple[Person, Person]:
    ours = make_person("Ours One")
    with tenancy.within(second_tenant):
        theirs = make_person("Theirs One")
    return ours, theirs


def nobody() -> Any:
    return context.acting(tenant_id="", across_tenants=False)


ASKING = {
    "all": lambda: list(Person.objects.all()),
    "get": lambda: Person.objects.get(),
    "first": lambda: Person.objects.first(),
    "count": lambda: Person.objects.count(),
    "exists": lambda: Person.objects.exists(),
    "aggregate": lambda: Person.objects.aggregate(n=Count("id")),
    "annotate": lambda: list(Person.objects.annotate(n=Count("name_tokens"))),
    "values": lambda: list(Person.objects.values_list("id")),
    "iterator": lambda: list(Person.objects.iterator()),
    "in_bulk": lambda: Person.objects.in_bulk(),
    "union": lambda: list(Person.objects.values("id").union(NameToken.objects.values("id"))),
    "subquery": lambda: list(Tenant.objects.filter(id__in=Person.objects.values("tenant_id"))),
    "exists_inside": lambda: list(Tenant.objects.filter(Exists(Person.objects.filter(tenant_id=OuterRef("pk"))))),
    "subquery_inside": lambda: list(Tenant.objects.annotate(p=Subquery(Person.objects.values("id")[:1]))),
    "excluded": lambda: list(Person.objects.exclude(locale="xx")),
    "or": lambda: list(Person.objects.filter(locale="") | Person.objects.filter(locale="x")),
    "update": lambda: Person.objects.update(locale="xx"),
    "delete": lambda: NameToken.objects.all().delete(),
    "create": lambda: Person.objects.create(name="x"),
    "instance": lambda: Person(name="x"),
    "get_or_create": lambda: TenantKey.objects.get_or_create(purpose="people"),
    "update_or_create": lambda: TenantKey.objects.update_or_create(purpose="people"),
    "select_for_update": lambda: list(Person.objects.select_for_update()),
    "earlier": lambda: list(
        pickle.loads(pickle.dumps(Person.objects.all().query)).get_compiler("default").results_iter()
    ),
    "custom_manager": lambda: list(ContactMessage.objects.new()),
}


@pytest.mark.parametrize("asking", ASKING.values(), ids=ASKING)
def test_without_a_tenant_every_way_of_asking_is_an_error(both: Any, asking: Any) -> None:
    with nobody(), pytest.raises(tenancy.NoTenant), transaction.atomic():
        asking()


@pytest.mark.parametrize("asking", ASKING.values(), ids=ASKING)
def test_across_tenants_the_ordinary_manager_is_an_error_too(both: Any, asking: Any) -> None:
    with tenancy.across(), pytest.raises(tenancy.NoTenant), transaction.atomic():
        asking()


def test_a_tenant_sees_its_own_whatever_way_it_asks(both: tuple[Person, Person], second_tenant: Tenant) -> None:
    ours, theirs = both
    early = Person.objects.order_by("id")  # built here, asked there
    assert [p.pk for p in early.all()] == [ours.pk]
    with tenancy.within(second_tenant):
        assert [p.pk for p in early.all()] == [theirs.pk]
        assert Person.objects.aggregate(n=Count("id")) == {"n": 1}
        assert Tenant.objects.filter(Exists(Person.objects.filter(tenant_id=OuterRef("pk")))).get() == second_tenant
        assert not Person.objects.filter(pk=ours.pk).exists()
        assert Person.objects.filter(pk=ours.pk).update(locale="xx") == 0
    assert Person.objects.get(pk=ours.pk).locale == ""


def test_across_tenants_only_inside_across(both: tuple[Person, Person]) -> None:
    with pytest.raises(tenancy.NotAcross):
        Person.across_tenants.all()
    with tenancy.across():
        every = Person.across_tenants.order_by("id")
        assert [p.pk for p in every] == sorted(p.pk for p in both)
        assert every.count() == 2
        token = NameToken.across_tenants.filter(person=both[1]).first()
        assert token.person == both[1]  # relations are followed
    with pytest.raises(tenancy.NotAcross):
        list(every.all())
    with tenancy.across(), tenancy.within(both[0].tenant_id), pytest.raises(tenancy.NotAcross):
        Person.across_tenants.all()


def test_relations_do_not_lead_into_another_tenant(both: tuple[Person, Person], second_tenant: Tenant) -> None:
    ours, theirs = both
    token = NameToken.objects.filter(person=ours).first()
    token.person_id = theirs.pk
    with pytest.raises(Person.DoesNotExist):
        _ = token.person
    with tenancy.within(second_tenant):
        assert list(ours.name_tokens.all()) == []
        assert list(Person.objects.filter(name_tokens__person=ours)) == []
        with pytest.raises(Person.DoesNotExist):
            ours.refresh_from_db()


def test_nothing_is_written_for_another_tenant(both: tuple[Person, Person], second_tenant: Tenant) -> None:
    ours, theirs = both
    attempts = {
        "save": lambda: theirs.save(),
        "save some": lambda: theirs.save(update_fields=["locale"]),
        "delete": lambda: theirs.delete(),
        "create": lambda: Person.objects.create(name="x", tenant=second_tenant),
        "bulk_create": lambda: NameToken.objects.bulk_create(
            [NameToken(person=ours, token="t", tenant_id=second_tenant.pk)]
        ),
        "get_or_create": lambda: TenantKey.objects.get_or_create(
            purpose="x", defaults={"tenant": second_tenant, "wrapped": b""}
        ),
        "update_or_create": lambda: TenantKey.objects.update_or_create(
            purpose="x", defaults={"tenant": second_tenant, "wrapped": b""}
        ),
        "update": lambda: Person.objects.update(tenant=second_tenant),
        "related": lambda: ours.name_tokens.create(token="t", tenant=second_tenant),
        "pointing there": lambda: NameToken.objects.create(person=theirs, token="t"),
        "bulk pointing there": lambda: NameToken.objects.bulk_create([NameToken(person=theirs, token="t")]),
    }
    for name, attempt in attempts.items():
        with pytest.raises(tenancy.AnotherTenant), transaction.atomic():
            attempt()
            pytest.fail(name)
    ours.tenant = second_tenant
    with pytest.raises(tenancy.AnotherTenant), transaction.atomic():
        ours.save()
    with pytest.raises(tenancy.AnotherTenant), transaction.atomic():
        Person.objects.bulk_update([ours], ["tenant"])
    for db_row in (both[0], both[1]):
        with tenancy.across():
            assert Person.across_tenants.get(pk=db_row.pk).tenant_id == (
                second_tenant.pk
                if db_row is theirs
                else db_row._state.fields_cache.get("x", None) or tenancy_of(db_row)
            )


def tenancy_of(person: Person) -> Any:
    with connection.cursor() as cursor:
        key = person.pk if connection.vendor == "postgresql" else person.pk.hex
        cursor.execute("SELECT tenant_id FROM governance_person WHERE id = %s", [key])
        from uuid import UUID

        return UUID(str(cursor.fetchone()[0]))


def test_uniqueness_is_checked_within_the_tenant_by_forms_too(both: Any, second_tenant: Tenant) -> None:
    from django.core.exceptions import ValidationError

    twin = TenantKey(
        purpose=TenantKey.Purpose.PEOPLE, generation=1, wrapped=b"x", provider="file", provider_version="1"
    )
    with pytest.raises(ValidationError):
        twin.full_clean(exclude={"tenant"})  # what a form excludes


def test_the_tenants_own_row_costs_one_query_and_follows_edits(tenant: Tenant, django_assert_num_queries: Any) -> None:
    tenancy.forget()
    with django_assert_num_queries(1):
        assert tenancy.of_host("testserver") == tenant.pk
        assert tenancy.current().name == tenant.name
        tenancy.current().name = "scribbled on"
        assert tenancy.current().name == tenant.name
    tenant.name = "Renamed"
    tenant.save()
    assert tenancy.current().name == "Renamed"
    TenantDomain.objects.filter(host="localhost").first().delete()
    assert tenancy.of_host("localhost") is None
    assert [tenancy.of_host(f"{n}.example") for n in range(3)] == [None] * 3


def test_what_is_believed_about_hosts_stays_bounded() -> None:
    kept = tenancy.Kept(seconds=lambda: 60.0, most=lambda: 10)
    for number in range(100):
        kept.answer(number, lambda n=number: n)
    assert len(kept._kept) == 10
    old = tenancy.Kept(seconds=lambda: -1.0, most=lambda: 10)
    assert [old.answer("x", lambda n=n: n) for n in (1, 2)] == [1, 2]
    raced = tenancy.Kept(seconds=lambda: 60.0, most=lambda: 10)

    def ask() -> str:
        raced.forget()  # somebody changes it while it is being read
        return "stale"

    assert raced.answer("x", ask) == "stale"
    assert raced.get("x") is None


def test_a_filter_by_another_tenants_id_finds_nothing(both: tuple[Person, Person], second_tenant: Tenant) -> None:
    assert not Person.objects.filter(tenant=second_tenant)
    assert not Person.objects.filter(tenant_id=F("tenant_id")).filter(pk=both[1].pk)
    assert issubclass(DatabaseError, Exception) and issubclass(Person, models.Model)
