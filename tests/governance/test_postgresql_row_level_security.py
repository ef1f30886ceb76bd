"""The second wall: raw SQL through the web's own connection sees and writes one tenant's rows, whatever went before."""

import tempfile
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import Error, InternalError, OperationalError, ProgrammingError, connection, transaction
from django.utils import timezone

from accounts.models import Tenant
from audit import context, ledger, outbox
from governance import checks, grants, people, rls, tenancy
from governance.models import Person
from tests.factories.governance import AT, make_person

pytestmark = [pytest.mark.guarantee, pytest.mark.django_db(transaction=True)]
EVERYBODY = "SELECT id FROM governance_person"


@pytest.fixture
def ours(tenant: Tenant) -> Person:
    return make_person("Ours One")


@pytest.fixture
def theirs(second_tenant: Tenant) -> Person:
    with tenancy.within(second_tenant):
        return make_person("Theirs One")


def seen(db: Any, statement: str = EVERYBODY) -> set[Any]:
    with db.cursor() as cursor:
        cursor.execute(statement)
        return {row[0] for row in cursor.fetchall()}


def backend(db: Any) -> int:
    return next(iter(seen(db, "SELECT pg_backend_pid()")))


def test_raw_sql_sees_the_active_tenant_only(web: Any, ours: Person, theirs: Person, second_tenant: Tenant) -> None:
    assert seen(web) == {ours.pk}
    with tenancy.within(second_tenant):
        assert seen(web) == {theirs.pk}
    with tenancy.across():
        assert seen(web) == {ours.pk, theirs.pk}
    assert seen(web, "SELECT DISTINCT person_id FROM governance_nametoken") == {ours.pk}


def test_without_a_tenant_nothing_is_seen(web: Any, theirs: Person) -> None:
    assert seen(web) == set()


def test_a_pooled_connection_just_used_by_another_tenant(
    web: Any, ours: Person, theirs: Person, second_tenant: Tenant
) -> None:
    with tenancy.within(second_tenant):
        assert seen(web) == {theirs.pk}
        first = backend(web)
        web.close()  # back to the pool of one
    assert seen(web) == {ours.pk}
    assert backend(web) == first
    web.close()
    # And straight from the pool, without our backend: it was given back as nobody's.
    with web.pool.connection() as bare:
        assert bare.info.backend_pid == first
        settings = "SELECT current_setting('verso.tenant', true), current_setting('verso.across', true)"
        assert bare.pgconn.exec_(settings.encode()).get_value(0, 0) == b""
        assert bare.pgconn.exec_(settings.encode()).get_value(0, 1) in (b"", b"off")


def test_after_a_rollback_the_tenant_is_said_again(
    web: Any, ours: Person, theirs: Person, second_tenant: Tenant
) -> None:
    assert seen(web) == {ours.pk}
    web.set_autocommit(False)
    with tenancy.within(second_tenant):
        assert seen(web) == {theirs.pk}
        web.rollback()  # takes the settings back to ours, on the server
        assert seen(web) == {theirs.pk}
        web.rollback()
    web.set_autocommit(True)
    assert seen(web) == {ours.pk}


def test_after_a_savepoint_is_rolled_back(as_web: Any, ours: Person, theirs: Person, second_tenant: Tenant) -> None:
    with transaction.atomic():
        assert seen(as_web) == {ours.pk}
        with tenancy.within(second_tenant):
            with pytest.raises(ZeroDivisionError), transaction.atomic():
                assert seen(as_web) == {theirs.pk}
                raise ZeroDivisionError
            assert seen(as_web) == {theirs.pk}
            sid = transaction.savepoint()
            with tenancy.across():
                assert seen(as_web) == {ours.pk, theirs.pk}
            with as_web.cursor() as cursor:
                cursor.execute(f"ROLLBACK TO SAVEPOINT {as_web.ops.quote_name(sid)}")
            assert seen(as_web) == {theirs.pk}
    assert seen(as_web) == {ours.pk}


def test_a_failure_in_another_tenants_frame_still_rolls_back_to_the_savepoint(
    as_web: Any, ours: Person, theirs: Person, second_tenant: Tenant
) -> None:
    with transaction.atomic():
        assert seen(as_web) == {ours.pk}
        with pytest.raises(ProgrammingError), transaction.atomic(), tenancy.within(second_tenant):
            seen(as_web, "SELECT nothing_of_the_kind")
        assert seen(as_web) == {ours.pk}


def test_after_a_commit_that_failed(as_web: Any, ours: Person, theirs: Person, second_tenant: Tenant) -> None:
    assert seen(as_web) == {ours.pk}
    with tenancy.within(second_tenant):
        with pytest.raises(Error), transaction.atomic(), as_web.cursor() as cursor:
            assert seen(as_web) == {theirs.pk}
            cursor.execute(  # a deferred foreign key to nobody fails at COMMIT
                "UPDATE governance_nametoken SET person_id = gen_random_uuid() WHERE tenant_id = %s", [second_tenant.pk]
            )
        assert seen(as_web) == {theirs.pk}


def test_writing_for_another_tenant_is_refused_by_the_database(
    as_web: Any, ours: Person, theirs: Person, second_tenant: Tenant
) -> None:
    take = "UPDATE governance_person SET tenant_id = %s WHERE id = %s"
    with pytest.raises(ProgrammingError, match="row-level security"), as_web.cursor() as cursor:
        cursor.execute(take, [second_tenant.pk, ours.pk])
    with pytest.raises(ProgrammingError, match="row-level security"), as_web.cursor() as cursor:
        cursor.execute(
            "INSERT INTO governance_eraseepoch (id, tenant_id, value) VALUES (gen_random_uuid(), %s, 1)",
            [second_tenant.pk],
        )
    with pytest.raises(ProgrammingError, match="row-level security"), as_web.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO governance_eraseepoch (id, tenant_id, value) VALUES (gen_random_uuid(), %s, 1)",
            [[ours.tenant_id], [second_tenant.pk]],
        )
    with as_web.cursor() as cursor:
        cursor.execute(take, [ours.tenant_id, theirs.pk])
        assert cursor.rowcount == 0
        cursor.execute("DELETE FROM governance_nametoken WHERE person_id = %s", [theirs.pk])
        assert cursor.rowcount == 0


def test_a_server_side_cursor_stays_in_the_frame_it_was_opened_in(
    as_web: Any, ours: Person, second_tenant: Tenant
) -> None:
    with tenancy.within(second_tenant):
        their_people = {make_person(f"Theirs {word}").pk for word in ("One", "Two", "Three", "Four")}
    found = set()
    with tenancy.within(second_tenant), transaction.atomic():
        rows = Person.objects.order_by("id").values_list("id", flat=True).iterator(chunk_size=1)
        found.add(next(rows))
        with tenancy.within(ours.tenant_id):
            assert seen(as_web) == {ours.pk}
            found |= {next(rows), next(rows)}
            assert seen(as_web) == {ours.pk}
        found |= set(rows)
    assert found == their_people


def test_copy_sees_one_tenant(as_web: Any, ours: Person, theirs: Person, second_tenant: Tenant) -> None:
    assert seen(as_web) == {ours.pk}
    statement = "COPY (SELECT id FROM governance_person) TO STDOUT"
    with tenancy.within(second_tenant), as_web.cursor() as cursor, cursor.cursor.copy(statement) as copied:
        assert b"".join(copied).decode().split() == [str(theirs.pk)]


def test_the_tenant_is_said_once_per_connection_not_once_per_statement(
    web: Any, ours: Person, second_tenant: Tenant
) -> None:
    with tempfile.TemporaryFile() as wire:
        web.ensure_connection()
        web.connection.pgconn.trace(wire.fileno())
        for _ in range(3):
            seen(web)
        with tenancy.within(second_tenant):
            seen(web)
            seen(web)
        web.connection.pgconn.untrace()
        wire.seek(0)
        said = wire.read()
    assert said.count(b"SET verso.tenant") == 2
    assert said.count(b"SELECT id FROM governance_person") == 5


def test_a_statement_the_server_parsed_for_one_tenant_sees_the_next_ones_rows_only(
    web: Any, ours: Person, theirs: Person, second_tenant: Tenant
) -> None:
    def asked() -> set[Any]:
        cursor = web.prepared_cursor()
        cursor.execute(EVERYBODY)
        return {row[0] for row in cursor.fetchall()}

    assert [asked() for _ in range(8)] == [{ours.pk}] * 8  # by now the server keeps its plan, too
    first = backend(web)
    web.close()  # back to the pool of one
    with tenancy.within(second_tenant):
        assert asked() == {theirs.pk}
        plans = "SELECT generic_plans + custom_plans FROM pg_prepared_statements WHERE statement = '{}'"
        assert seen(web, plans.format(EVERYBODY)) == {9}
        assert backend(web) == first
    assert asked() == {ours.pk}
    web.set_autocommit(False)
    with tenancy.within(second_tenant):
        assert asked() == {theirs.pk}
        web.rollback()
    web.set_autocommit(True)
    assert asked() == {ours.pk}


def test_a_tenant_is_said_as_a_text_whatever_it_holds(web: Any) -> None:
    strange = "o'clock\\'; SET verso.across = 'on"
    with context.acting(tenant_id=strange):
        assert seen(web, "SELECT current_setting('verso.tenant')") == {strange}
        assert seen(web, "SELECT current_setting('verso.across')") == {"off"}


def test_a_connection_that_died_is_no_longer_believed(web: Any, ours: Person, second_tenant: Tenant) -> None:
    first = backend(web)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [first])
    with tenancy.within(second_tenant), pytest.raises(OperationalError):
        seen(web)
    web.close()
    assert seen(web) == {ours.pk}
    assert backend(web) != first


def test_the_webs_role_cannot_lift_the_wall_nor_touch_the_ledger(as_web: Any, ours: Person) -> None:
    for statement in (
        "ALTER TABLE governance_person DISABLE ROW LEVEL SECURITY",
        f"DROP POLICY {rls.POLICY} ON governance_person",
        "TRUNCATE governance_person CASCADE",
        "UPDATE audit_event SET action = 'x'",
        "DELETE FROM audit_event",
        "DELETE FROM audit_eventperson",
        "UPDATE audit_pending SET event_id = event_id + 1",
        "DELETE FROM audit_pending",
        "UPDATE audit_eventorigin SET ip = ''",
        "DELETE FROM audit_eventorigin",
        "CREATE TABLE mine (id int)",
        "DELETE FROM django_migrations",
    ):
        with pytest.raises((ProgrammingError, InternalError)), as_web.cursor() as cursor:
            cursor.execute(statement)
    assert (rls.missing(), grants.faults()) == ([], [])


def test_the_house_works_through_the_webs_role(as_web: Any, ours: Person, second_tenant: Tenant) -> None:
    held = Person.objects.get()
    people.correct(held, by=None, at=AT, name="Ours Renamed")
    assert [person.name for person in people.search("renamed")] == ["Ours Renamed"]
    people.erase(held, by=None, at=AT)
    assert seen(as_web, "SELECT DISTINCT tenant FROM audit_event") == {str(ours.tenant_id)}
    assert seen(as_web, "SELECT DISTINCT person FROM audit_eventperson") == {str(ours.pk)}
    with tenancy.within(second_tenant):
        assert seen(as_web, "SELECT person FROM audit_eventperson") == set()


def test_a_marker_is_seen_where_its_event_is(as_web: Any, ours: Person, theirs: Person, second_tenant: Tenant) -> None:
    markers = "SELECT event_id FROM audit_pending"
    here = seen(as_web, markers)
    assert here == seen(as_web, "SELECT id FROM audit_event") != set()
    with tenancy.within(second_tenant):
        there = seen(as_web, markers)
        assert there == seen(as_web, "SELECT id FROM audit_event") != set()
    with tenancy.across():
        assert seen(as_web, markers) >= here | there
    assert not here & there


def test_whoever_looks_across_tenants_reads_markers_without_their_events(as_web: Any, ours: Person) -> None:
    """A sealer takes the next thousand markers; judging each by its event would read the whole ledger."""
    with tenancy.across(), as_web.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, COSTS OFF) SELECT event_id FROM audit_pending ORDER BY event_id LIMIT 1000")
        plan = [line for (line,) in cursor.fetchall()]
    assert [line for line in plan if "on audit_event " in line and "never executed" not in line] == []


def test_the_role_that_owns_the_tables_may_seal(ours: Person) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_pending")
        assert cursor.rowcount > 0
    with pytest.raises(Error), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("INSERT INTO audit_pending (event_id) VALUES (1)")
        cursor.execute("UPDATE audit_pending SET event_id = 2")


def test_refusals_are_kept_for_the_tenant_they_happened_in(as_web: Any, tenant: Tenant, second_tenant: Tenant) -> None:
    with ledger.keeping_refusals(), tenancy.within(second_tenant):
        ledger.refused("governance.test.refused", reason="told outside the frame")
    count = "SELECT count(*) FROM audit_event WHERE action = 'governance.test.refused'"
    assert seen(as_web, count) == {0}
    with tenancy.within(second_tenant):
        assert seen(as_web, count) == {1}


def test_one_deliverer_serves_every_tenants_messages(
    as_web: Any, ours: Person, theirs: Person, second_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []
    monkeypatch.setitem(outbox._handlers, "governance.test", lambda message: told.append(tenancy.current_id()))
    outbox.post("governance.test", about=ours)
    with tenancy.within(second_tenant):
        outbox.post("governance.test", about=theirs)
        assert seen(as_web, "SELECT about_id FROM audit_outboxmessage") == {str(theirs.pk)}
    outbox.deliver(at=timezone.now() + timedelta(seconds=1))
    assert sorted(told) == sorted([ours.tenant_id, second_tenant.pk])


def test_the_roles_are_verified_by_the_command(as_web: Any) -> None:
    out = StringIO()
    call_command("database_roles", "--verify", stdout=out)
    assert "fenced" in out.getvalue()
    with pytest.raises(CommandError, match="MIGRATION_DATABASE_URL"):
        call_command("database_roles", "--create")


def test_the_command_says_what_is_wrong(tenant: Tenant) -> None:
    with pytest.raises(CommandError, match="is a superuser"):
        call_command("database_roles", "--verify")


def test_a_table_between_two_tenant_models_is_fenced_through_them() -> None:
    fence = rls.by_parents("a_b", [("a_id", "a"), ("b_id", "b")])
    assert fence.using.count("EXISTS") == 2 and " AND " in fence.using and fence.check == ""


def test_a_fence_somebody_took_down_is_missed_and_put_back(tenant: Tenant) -> None:
    spoil = (
        f"DROP POLICY {rls.POLICY} ON governance_person",
        "ALTER TABLE governance_person NO FORCE ROW LEVEL SECURITY",
        "ALTER TABLE governance_person DISABLE ROW LEVEL SECURITY",
        f"ALTER POLICY {rls.POLICY} ON governance_person USING (true)",
        f"ALTER POLICY {rls.POLICY} ON governance_person WITH CHECK (true)",
        "CREATE POLICY wide_open ON governance_person USING (true)",
        "CREATE POLICY peephole ON governance_person FOR SELECT TO postgres USING (true)",
        f"ALTER POLICY {rls.POLICY} ON governance_person TO postgres",
    )
    for statement in spoil:
        with connection.cursor() as cursor:
            cursor.execute(statement)
        assert rls.missing() == ["governance_person is not fenced by tenant"], statement
        (error,) = checks.tables_are_fenced(["default"])
        assert (error.id, error.msg) == ("governance.E007", "governance_person is not fenced by tenant on 'default'.")
        assert rls.install() == ["governance_person is not fenced by tenant"]
        assert rls.missing() == [], statement
    assert grants.faults()[0].endswith("is a superuser and passes row-level security by")
