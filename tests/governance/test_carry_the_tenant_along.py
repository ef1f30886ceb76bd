"""The tenant travels with a task to its worker and is entered by a command; without one, both refuse."""

import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from celery import Celery
from celery.contrib.testing.worker import start_worker
from django.core.management import CommandError, call_command
from django.db import connections

from accounts.models import Tenant
from audit import context
from audit.management.base import OperatorCommand
from governance import tenancy
from governance.models import Person
from tests.factories.governance import make_person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def queue() -> Iterator[Celery]:
    """A broker in memory with a real worker beside it."""
    app = Celery("told", broker="memory://", backend="cache+memory://", set_as_current=False)

    @app.task(name="tests.names")
    def names() -> list[str]:
        try:
            return sorted(person.name for person in Person.objects.all())
        finally:
            connections.close_all()

    with start_worker(app, perform_ping_check=False, pool="solo"):
        yield app


def told(queue: Celery) -> Any:
    return queue.send_task("tests.names").get(timeout=20)


def test_a_task_works_in_the_tenant_it_was_sent_from(queue: Celery, tenant: Tenant, second_tenant: Tenant) -> None:
    make_person("Ours One")
    with tenancy.within(second_tenant):
        make_person("Theirs One")
        assert told(queue) == ["Theirs One"]
    assert told(queue) == ["Ours One"]
    with context.acting(tenant_id=""), pytest.raises(tenancy.NoTenant):
        told(queue)
    with tenancy.across(), pytest.raises(tenancy.NoTenant):  # the right to look across stays behind
        told(queue)


class Names(OperatorCommand):
    """Lists people."""

    def act(self, **options: Any) -> dict[str, Any]:
        return {"names": sorted(person.name for person in Person.objects.all())}


def test_a_command_works_in_the_tenant_it_is_given(tenant: Tenant, second_tenant: Tenant) -> None:
    make_person("Ours One")
    with tenancy.within(second_tenant):
        make_person("Theirs One")

    def run(**options: str) -> Any:
        out = StringIO()
        call_command(Names(), as_json=True, stdout=out, **options)
        return json.loads(out.getvalue())["names"]

    assert run(tenant="second") == ["Theirs One"]
    assert run(tenant=str(tenant.pk)) == ["Ours One"]
    with pytest.raises(CommandError):
        run(tenant="nobody")
    with pytest.raises(tenancy.NoTenant):
        run()
