"""What is held about one person is read through the catalogue: all of theirs, with its why, and nobody else's."""

import json
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import tenants
from accounts.models import Membership, Tenant
from cms import messages
from governance import holdings, people, tenancy
from governance.models import Person
from scheduling.bookings import Customer
from tests.factories import accounts as users
from tests.factories.cms import receive_message
from tests.factories.scheduling import make_booking, make_service, morning

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
VERA = {"name": "Vera Visitor", "email": "vera@example.org"}


@pytest.fixture
def vera(tenant: Tenant) -> Membership:
    """A customer with an account."""
    membership = tenants.admit(**VERA, role="visitor", by=None, at=AT, tell=False)
    assert membership.person
    people.correct(membership.person, by=None, at=AT, phone="+34 600 111 222")
    return membership


def book(tenant: Tenant, *, times: int = 1, note: str = "Please call first") -> None:
    service = make_service(tenant, name="Haircut")
    guest = Customer(VERA["name"], VERA["email"], "+34 600 111 222", "en")
    for day in range(times):
        make_booking(service, start=morning(days=day + 1), customer=guest, note=note)


def parts(person: Person, **how: int) -> dict[str, holdings.Part]:
    return {part.model: part for part in holdings.of(person, **how)}


def said(part: holdings.Part, name: str) -> list[str]:
    return [value.text for row in part.rows for value in row if value.name == name]


def test_every_app_is_heard_and_values_are_opened(tenant: Tenant, vera: Membership) -> None:
    book(tenant)
    message = receive_message("Is there a ramp?", **VERA)
    messages.reply(message, text="There is one.", request_id=message.pk, by=users.make_member("desk"), at=AT)
    found = parts(vera.person)
    assert said(found["governance.Person"], "phone") == ["+34 600 111 222"]
    assert said(found["scheduling.Appointment"], "note") == ["Please call first"]
    assert said(found["scheduling.Appointment"], "service") == ["Haircut"]
    assert said(found["scheduling.Appointment"], "status") == ["Confirmed"]
    assert said(found["cms.ContactMessage"], "text") == ["Is there a ramp?"]
    assert said(found["cms.ContactReply"], "text") == ["There is one."]
    assert said(found["accounts.User"], "email") == [VERA["email"]]
    assert said(found["accounts.RoleGrant"], "role") == ["Visitor"]


def test_each_kind_says_why_and_how_long(vera: Membership) -> None:
    person = parts(vera.person)["governance.Person"]
    (name,) = [rule for rule in person.rules if "name" in rule.names]
    assert name.labels == ("Name",)
    assert name.purpose == "to know whom an appointment or message is with"
    assert name.because == "we need it for what you asked of us"
    assert name.keep == "as long as the person is a customer; erased on request"
    assert person.purposes.startswith("To know whom an appointment or message is with; to confirm appointments")
    assert person.noun == "Person" and not person.is_shared


def test_secrets_are_named_and_never_shown(vera: Membership) -> None:
    user = vera.user
    user.set_password(users.PASSWORD)
    user.save()
    users.enrol(user)
    found = parts(vera.person)
    secret = [rule for part in found.values() for rule in part.rules if not rule.is_shown]
    assert {"password", "sealed_seed", "email_index"} <= {name for rule in secret for name in rule.names}
    told = json.dumps(holdings.document(found.values()))
    assert user.password not in told and vera.person.email_index not in told
    assert "sealed_seed" not in [value.name for row in found["accounts.Authenticator"].rows for value in row]


def test_nobody_elses_rows_are_among_them(tenant: Tenant, vera: Membership) -> None:
    other = tenants.admit(email="mara@example.org", name="Mara Manager", role="manager", by=None, at=AT, tell=False)
    users.roles.grant(other, role=_role("visitor"), by=None, at=AT)
    receive_message("Mara's own", name="Mara Manager", email="mara@example.org")
    told = json.dumps(holdings.document(holdings.of(vera.person)))
    assert "Mara" not in told and "mara@" not in told and str(other.user_id) not in told
    assert parts(other.person)["cms.ContactMessage"].total == 1


def _role(key: str) -> users.Role:
    return users.Role.objects.get(key=key)


def test_another_persons_part_in_a_row_is_told_without_their_name(owner: users.User, vera: Membership) -> None:
    users.roles.grant(vera, role=_role("auditor"), by=owner, at=AT, reason="helps with the books")
    grants = parts(vera.person)["accounts.RoleGrant"]
    assert said(grants, "granted_by") == ["somebody else", ""]
    assert said(grants, "membership") == []
    told = json.dumps(holdings.document([grants]))
    assert owner.email not in told and str(owner.pk) not in told and "helps with the books" in told


def test_another_tenants_rows_stay_there(tenant: Tenant, vera: Membership, second_tenant: Tenant) -> None:
    with tenancy.within(second_tenant):
        there = tenants.admit(**VERA, role="visitor", by=None, at=AT, tell=False)
        receive_message("Written elsewhere", **VERA)
    assert "cms.ContactMessage" not in parts(vera.person)
    assert parts(vera.person)["accounts.RoleGrant"].total == 1
    with tenancy.within(second_tenant):
        assert parts(there.person)["cms.ContactMessage"].total == 1
    with pytest.raises(tenancy.AnotherTenant):
        holdings.of(there.person)


def test_what_belongs_to_no_tenant_is_marked(vera: Membership) -> None:
    shared = {name for name, part in parts(vera.person).items() if part.is_shared}
    assert shared == {"accounts.User", "audit.EventPerson"}


def test_many_rows_cost_what_few_cost(tenant: Tenant, vera: Membership) -> None:
    book(tenant, times=1)
    few = _queries(vera.person)
    book(tenant, times=6)
    many = _queries(vera.person)
    assert parts(vera.person)["scheduling.Appointment"].total == 7
    assert len(many) == len(few), "\n".join(query["sql"] for query in many.captured_queries)


def _queries(person: Person) -> CaptureQueriesContext:
    with CaptureQueriesContext(connection) as asked:
        list(holdings.of(person))
    return asked


def test_the_newest_are_shown_and_the_rest_counted(tenant: Tenant, vera: Membership) -> None:
    for number in range(4):
        receive_message(f"Message {number}", **VERA)
    shown = parts(vera.person, newest=2)["cms.ContactMessage"]
    assert said(shown, "text") == ["Message 3", "Message 2"]
    assert (shown.total, shown.has_more) == (4, True)
    assert not parts(vera.person, newest=4)["cms.ContactMessage"].has_more


def test_of_an_erased_person_nothing_is_opened(tenant: Tenant, vera: Membership) -> None:
    book(tenant)
    erased = people.erase(vera.person, by=None, at=AT)
    found = parts(erased)
    assert said(found["governance.Person"], "name") == ["erased"]
    assert said(found["scheduling.Appointment"], "note") == ["erased"]


def test_every_model_of_the_catalogue_can_be_asked(vera: Membership) -> None:
    led = {held.label for held in holdings.registry.holdings() if held.about and held.personal}
    assert {part.model for part in holdings.kept_apart()} == {
        held.label for held in holdings.registry.holdings() if held.personal
    } - led
    reader = holdings._Reader(vera.person)
    for held in holdings.registry.holdings():
        if held.label in led:
            assert reader.part(held, newest=1).total >= 0


def test_the_copy_is_plain_json(tenant: Tenant, vera: Membership) -> None:
    book(tenant)
    copy = json.loads(json.dumps(holdings.document(holdings.of(vera.person))))
    (appointments,) = [part for part in copy if part["what"] == "scheduling.Appointment"]
    assert appointments["rows"][0]["note"] == "Please call first"
    assert appointments["rows"][0]["starts_at"].startswith("2026-")
    note = {
        "fields": ["note"],
        "category": "user.content",
        "purpose": "to prepare the appointment as the customer asked",
    }
    assert appointments["why"][0] == note | {
        "legal_basis": "GDPR 6.1.b",
        "kept": "two years after the appointment",
        "included": True,
    }
