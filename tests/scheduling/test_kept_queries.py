"""A query kept as SQL answers what the ORM answers, in each tenant, for any number of values."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Tenant
from governance import tenancy
from scheduling.kept import Kept
from scheduling.models import Allocation, Appointment
from tests.factories.scheduling import NOW, make_booking, make_service, morning

pytestmark = pytest.mark.django_db


def written(ids: list[UUID], first: Any, other: UUID | None) -> Any:
    """Appointments by id from a moment on, but one."""
    rows = Appointment.objects.filter(pk__in=ids, starts_at__gte=first).exclude(status="held").order_by("starts_at")
    rows = rows if other is None else rows.exclude(pk=other)
    return rows.values_list("pk", "starts_at", "service__is_active", "created_at__date")


def test_it_answers_what_the_orm_answers(tenant: Tenant, second_tenant: Tenant) -> None:
    service, kept = make_service(tenant), Kept(written)
    ids = [make_booking(service, start=morning(day)).appointment.pk for day in (1, 2, 3)]

    for some in (ids, ids[:2], ids[1:], ids[:1]):
        for other in (None, ids[0], ids[2]):
            for first in (NOW, morning(2), morning(2) + timedelta(microseconds=1)):
                asked: dict[str, Any] = {"ids": some, "first": first, "other": other}
                assert kept.rows(**asked) == list(written(**asked))
    with tenancy.within(second_tenant):
        assert kept.rows(ids=ids, first=NOW, other=None) == []


def test_without_a_tenant_it_answers_nothing(tenant: Tenant) -> None:
    kept = Kept(written)
    kept.rows(ids=[tenant.pk], first=NOW, other=None)
    with tenancy.across(), pytest.raises(tenancy.NoTenant):
        kept.rows(ids=[tenant.pk], first=NOW, other=None)


def test_a_value_that_is_changed_on_its_way_is_refused(tenant: Tenant) -> None:
    kept = Kept(lambda first: Allocation.objects.filter(blocked_start__gt=first - timedelta(days=1)).values_list("pk"))
    with pytest.raises(LookupError):
        kept.rows(first=NOW)


def test_it_says_the_same_sql(tenant: Tenant) -> None:
    kept = Kept(written)
    asked: dict[str, Any] = {"ids": [tenant.pk], "first": NOW, "other": tenant.pk}
    with CaptureQueriesContext(connection) as queries:
        kept.rows(**asked)
        list(written(**asked))
    assert queries[0]["sql"] == queries[1]["sql"]
