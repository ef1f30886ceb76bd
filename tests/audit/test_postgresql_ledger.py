"""What only PostgreSQL has: writers beside an open transaction, the function that appends, the fence around tenants."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import Tenant
from audit import context, guards, ledger, outbox
from audit.models import Event, OutboxMessage
from governance import tenancy
from tests.factories.audit import at_once, make_event, make_message

pytestmark = [pytest.mark.guarantee, pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


def test_an_open_transaction_holds_nobody_up() -> None:
    with transaction.atomic():
        ledger.record("slow.one")
        assert at_once(lambda: ledger.record("quick.one") and 1) == [1]
        assert Event.objects.filter(action="quick.one").exists()


def test_the_function_that_appends_cannot_be_made_to_forget() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT oid::regprocedure::text FROM pg_proc WHERE proname = 'audit_append'")
        ((signature,),) = cursor.fetchall()
        cursor.execute(f"DROP FUNCTION {signature}")
        cursor.execute("CREATE FUNCTION audit_append(int) RETURNS void LANGUAGE plpgsql AS 'BEGIN RETURN; END'")
        assert guards.missing("default") == ["audit_append"]
        cursor.execute("DROP FUNCTION audit_append(int)")
    assert guards.install("default") == ["audit_append"]
    make_event()


# --- through the web's own role, which row-level security binds -------------------------------------------------------
def test_the_web_writes_and_reads_its_tenants_events_only(as_web: Any, tenant: Tenant, second_tenant: Tenant) -> None:
    with context.acting(client_ip="192.0.2.7"):
        event = make_event("story.here", people=["p-1"])
    with tenancy.within(second_tenant):
        make_event("story.elsewhere")
        assert not Event.objects.filter(action="story.here").exists()
        assert not Event.objects.concerning("p-1").exists()
    assert Event.objects.filter(action__startswith="story.").get() == event
    assert event.origin.ip == "192.0.2.7"


def test_a_refusal_is_written_in_the_tenant_it_happened_in(as_web: Any, tenant: Tenant, second_tenant: Tenant) -> None:
    with ledger.keeping_refusals():
        with tenancy.within(second_tenant):
            ledger.refused("story.refused", reason="too_late")
        with context.acting(tenant_id=""):
            ledger.refused("story.refused", reason="platform")
    with tenancy.across():
        kept = dict(Event.objects.filter(action="story.refused").values_list("reason", "tenant"))
    assert kept == {"too_late": str(second_tenant.pk), "platform": ""}


def test_one_deliverer_serves_every_tenant(
    as_web: Any, tenant: Tenant, second_tenant: Tenant, now: datetime, handle: Callable[..., None]
) -> None:
    served: list[Any] = []
    handle(lambda message: served.append(tenancy.current_id()))
    make_message(about=tenant)
    with tenancy.within(second_tenant):
        make_message(about=second_tenant)
    with context.restored(context.Acting(door="beat")):
        assert outbox.deliver(at=now + timedelta(hours=1)) == outbox.Delivered(sent=2)
    assert set(served) == {tenant.pk, second_tenant.pk}
    with tenancy.across():
        assert set(OutboxMessage.objects.filter(kind="audit.story").values_list("state")) == {("delivered",)}
