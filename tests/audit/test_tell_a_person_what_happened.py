"""What the ledger tells a person of themselves: by them and about them, here, newest first, nobody else named."""

from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Tenant, User
from audit import context, ledger, reading
from governance import tenancy
from tests.factories.governance import make_person

HER, HIM = ("user", "her-id"), ("user", "his-id")


def note(action: str, *, by: tuple[str, str], about: str = "", people: tuple[str, ...] = ()) -> None:
    with context.acting(actor=context.Actor(*by)):
        ledger.record(action, ledger.Subject("accounts.user", about), people=people)


def told(person: str = "", *, limit: int | None = None) -> list[tuple[str, bool]]:
    return [(noted.action, noted.is_own) for noted in reading.concerning(person, user_id="her-id", limit=limit)]


def test_by_her_and_about_her_and_no_more(tenant: Tenant) -> None:
    person = str(make_person("Vera").pk)
    note("story.by_her", by=HER, about="anything")
    note("story.about_her", by=HIM, about="her-id")
    note("story.concerns_her", by=HIM, about="anything", people=(person,))
    note("story.both", by=HER, about="her-id", people=(person,))
    note("story.of_others", by=HIM, about="anything")
    found = told(person)
    assert found[:4] == [
        ("story.both", True),
        ("story.concerns_her", False),
        ("story.about_her", False),
        ("story.by_her", True),
    ]
    assert found[4:] == [("governance.person.recorded", False)]
    assert told(person, limit=2) == found[:2]


def test_another_tenants_ledger_is_not_asked(tenant: Tenant, second_tenant: Tenant) -> None:
    with tenancy.within(second_tenant):
        note("story.elsewhere", by=HER, about="her-id")
    assert told("nobody") == []


def test_it_is_said_in_words(tenant: Tenant, owner: User) -> None:
    with context.acting(actor=context.Actor("user", str(owner.pk))):
        ledger.record("accounts.password.changed", owner)
    (noted,) = reading.concerning("nobody", user_id=str(owner.pk), limit=1)
    assert (noted.what, noted.outcome, noted.is_own) == ("Password changed", "done", True)


def test_many_entries_cost_what_few_cost(tenant: Tenant) -> None:
    for _round in range(3):
        note("story.many", by=HER)
        with CaptureQueriesContext(connection) as asked:
            told("nobody", limit=200)
        assert len(asked) == 3
