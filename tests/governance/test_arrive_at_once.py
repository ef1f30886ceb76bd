"""Many first visitors of a new tenant at the same moment: one key of each kind, everybody readable, nobody in error."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from accounts.models import Tenant
from governance import keys, people, tenancy
from governance.models import EraseEpoch, Person, TenantKey
from tests.factories.governance import AT, make_person

pytestmark = [pytest.mark.guarantee, pytest.mark.django_db(transaction=True)]
MANY = 12


def at_once(act: object, many: int = MANY) -> list[object]:
    """The same act in many threads, each with a connection of its own, started together."""
    gate = threading.Barrier(many)

    def run(number: int) -> object:
        try:
            gate.wait(timeout=20)
            return act(number)  # type: ignore[operator]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(many) as threads:
        return list(threads.map(run, range(many)))


def test_the_first_visitors_of_a_tenant(second_tenant: Tenant) -> None:
    def arrive(number: int) -> object:
        with tenancy.within(second_tenant):
            return make_person(f"Visitor Number{number}", email=f"v{number}@example.org").pk

    assert len(set(at_once(arrive))) == MANY
    keys._tenant_keys.forget()
    keys._person_keys.forget()
    with tenancy.within(second_tenant):
        assert sorted(TenantKey.objects.values_list("purpose", "generation")) == [("index", 1), ("people", 1)]
        assert {p.name for p in Person.objects.all()} == {f"Visitor Number{n}" for n in range(MANY)}
        assert people.search("v3@example.org").count() == 1


def test_one_of_many_erasures_wins(second_tenant: Tenant) -> None:
    with tenancy.within(second_tenant):
        person = make_person("Visitor One")

    def erase(_number: int) -> object:
        with tenancy.within(second_tenant):
            try:
                return bool(people.erase(person, by=None, at=AT))
            except people.AlreadyErased:
                return False

    assert sorted(map(bool, at_once(erase, 6))) == [False] * 5 + [True]
    with tenancy.within(second_tenant):
        assert EraseEpoch.objects.get().value == 1
