"""A stranger cannot grow the ledger without bound: the first refusals are written, the others counted and summed up."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone

from accounts.models import Tenant, User
from audit import context, counting, floods, ledger, tasks
from audit.models import Event
from governance import tenancy
from tests.accounts.signing_in import password_step
from tests.factories.audit import at_once

REFUSED = "web.request.refused"
FIRST = 20
BEGAN = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)  # the beginning of a window of five minutes
OVER = BEGAN + timedelta(minutes=6)


@pytest.fixture(params=["usual", "this process"])
def counts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Where it is counted: in Redis where the suite has one; and always once in the process alone."""
    if request.param == "this process":
        alone = counting.InThisProcess()
        monkeypatch.setattr(counting, "store", lambda: alone)
    return counting.store()


def refuse(times: int = 1, *, at: datetime = BEGAN, action: str = REFUSED, ip: str = "192.0.2.7", **more: Any) -> None:
    """A stranger is refused so many times, one request after the other."""
    for _turn in range(times):
        with context.acting(actor=context.ANONYMOUS, client_ip=ip), ledger.keeping_refusals() as kept:
            ledger.refused(action, reason="403", **more)
            kept[:] = floods.bounded(kept, at=at)


def written(action: str = REFUSED) -> int:
    return Event.objects.filter(action=action).count()


def sums(action: str = REFUSED) -> list[int]:
    told = Event.objects.filter(action=f"{action}.suppressed").order_by("id")
    return [event.content["changes"]["count"][1] for event in told]


# --- the rule -------------------------------------------------------------------------------------------------------
def test_the_first_are_written_the_others_summed_up(counts: Any, tenant: Tenant) -> None:
    refuse(332)
    assert (written(), sums()) == (FIRST, [])
    assert floods.sum_up(at=BEGAN + timedelta(minutes=5)) == 0, "some may still be on their way"
    assert floods.sum_up(at=OVER) == 1
    assert (written(), sums()) == (FIRST, [332 - FIRST])
    event = Event.objects.get(action=f"{REFUSED}.suppressed")
    assert (event.tenant, event.actor_kind, event.outcome) == (str(tenant.pk), "anonymous", "refused")
    assert event.content["changes"]["since"] == [None, "2026-03-02T10:00:00.000000Z"]
    assert event.content["changes"]["until"] == [None, "2026-03-02T10:05:00.000000Z"]
    assert event.origin.ip == "192.0.2.7"
    assert event.is_authentic


def test_summed_up_once(counts: Any, tenant: Tenant) -> None:
    refuse(FIRST + 1)
    assert [floods.sum_up(at=OVER), floods.sum_up(at=OVER)] == [1, 0]
    assert sums() == [1]


def test_who_stays_within_the_bound_is_not_summed_up(counts: Any, tenant: Tenant) -> None:
    refuse(FIRST)
    assert (written(), floods.sum_up(at=OVER), counts.counted(before=floods.NEVER)) == (FIRST, 0, [])


def test_the_next_window_begins_anew(counts: Any, tenant: Tenant) -> None:
    refuse(FIRST + 3)
    refuse(FIRST + 4, at=OVER)
    assert written() == 2 * FIRST
    assert floods.sum_up(at=OVER + timedelta(minutes=6)) == 2
    assert sums() == [3, 4]


def test_other_networks_actions_and_tenants_are_counted_apart(
    counts: Any, tenant: Tenant, second_tenant: Tenant
) -> None:
    refuse(FIRST + 1)
    refuse(FIRST, ip="192.0.2.8")
    refuse(FIRST, ip="")
    refuse(FIRST, action="accounts.gate.refused")
    with tenancy.within(second_tenant):
        refuse(FIRST)
    assert (written(), written("accounts.gate.refused")) == (4 * FIRST, FIRST)


def test_one_ipv6_network_is_one_stranger(counts: Any, tenant: Tenant) -> None:
    for number in range(FIRST + 5):
        refuse(ip=f"2001:db8:1:2::{number:x}")
    refuse(ip="2001:db8:1:3::1")
    assert written() == FIRST + 1
    floods.sum_up(at=OVER)
    assert Event.objects.get(action=f"{REFUSED}.suppressed").origin.ip == "2001:db8:1:2::"


def test_attempts_at_somebody_do_not_hide_behind_attempts_at_nobody(counts: Any, owner: User) -> None:
    refuse(FIRST + 30, action="accounts.signin.failed")
    refuse(FIRST + 2, action="accounts.signin.failed", obj=owner)
    assert Event.objects.about("accounts.user", str(owner.pk)).filter(action="accounts.signin.failed").count() == FIRST
    floods.sum_up(at=OVER)
    summed = Event.objects.filter(action="accounts.signin.failed.suppressed").about("accounts.user", str(owner.pk))
    assert summed.get().content["changes"]["count"] == [None, 2]


# --- what is never only counted -------------------------------------------------------------------------------------
def test_refusals_of_people_signed_in_are_all_written(visitor: User, enter: Callable[..., Client]) -> None:
    client = enter(visitor)
    assert {client.get("/admin/").status_code for _turn in range(FIRST + 5)} == {403}
    assert written("accounts.gate.refused") == FIRST + 5


def test_lockouts_are_all_written(owner: User) -> None:
    locked = [password_step(Client(), owner.email, "wrong").status_code for _turn in range(FIRST + 10)].count(429)
    assert locked > FIRST
    assert written("accounts.signin.locked") == 1  # the pauses that follow belong to the same lock
    assert sums("accounts.signin.locked") == []


# --- where it is counted --------------------------------------------------------------------------------------------
@pytest.mark.guarantee
@pytest.mark.django_db(transaction=True)
def test_a_burst_is_counted_to_the_last(counts: Any, tenant: Tenant) -> None:
    def stranger() -> None:
        with tenancy.within(tenant):
            refuse(10)

    assert at_once(*[stranger] * 5) == [None] * 5
    at_once(*[lambda: floods.sum_up(at=OVER)] * 3)
    assert (written(), sums()) == (FIRST, [50 - FIRST])


@pytest.mark.redis
def test_where_redis_fails_everything_is_written(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "store", lambda: counting.InRedis("redis://127.0.0.1:1/0"))
    refuse(FIRST + 5)
    assert written() == FIRST + 5


def test_a_process_that_has_no_room_left_writes(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MOST_HERE", 1)
    alone = counting.InThisProcess()
    monkeypatch.setattr(counting, "store", lambda: alone)
    refuse(FIRST + 1)
    refuse(FIRST + 1, ip="192.0.2.8")
    assert written() == FIRST + FIRST + 1


def test_a_sum_that_cannot_be_written_is_not_forgotten(
    counts: Any, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(act: ledger.Act) -> None:
        raise DatabaseError("the database is gone")

    refuse(FIRST + 7)
    with monkeypatch.context() as broken:
        broken.setattr(ledger, "_write", down)
        with pytest.raises(DatabaseError):
            floods.sum_up(at=OVER)
        floods.sum_up_here(at=OVER)
    assert (floods.sum_up(at=OVER), sums()) == (1, [7])


def test_a_process_that_ends_says_what_it_knows(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    registered: list[Callable[[], None]] = []
    monkeypatch.setattr(floods.atexit, "register", registered.append)
    monkeypatch.setattr(floods.connections, "close_all", lambda: None)
    alone = counting.InThisProcess()
    monkeypatch.setattr(counting, "store", lambda: alone)
    floods._sum_up_in_the_end.cache_clear()
    refuse(FIRST + 7, at=timezone.now())
    assert len(registered) == 1
    registered[0]()
    assert sums() == [7]
    floods._sum_up_in_the_end.cache_clear()


# --- the doors ------------------------------------------------------------------------------------------------------
@pytest.fixture
def long_windows(settings: Any) -> datetime:
    """Windows that do not end while the story is told; answers a moment in the next one."""
    settings.AUDIT_FLOOD_SECONDS = 10**9
    return timezone.now() + timedelta(seconds=10**9 + 60)


@pytest.mark.urls("tests.audit.pages")
@pytest.mark.parametrize(
    ("page", "status", "action"), [("/forbidden/x/", 403, REFUSED), ("/broken/", 500, "web.request.failed")]
)
def test_pages_are_bounded(page: str, status: int, action: str, tenant: Tenant, long_windows: datetime) -> None:
    client = Client(raise_request_exception=False)
    assert [client.get(page).status_code for _turn in range(FIRST + 9)] == [status] * (FIRST + 9)
    assert written(action) == FIRST
    floods.sum_up(at=long_windows)
    assert sums(action) == [9]


def test_forms_without_their_token_are_bounded(tenant: Tenant, long_windows: datetime) -> None:
    client = Client(enforce_csrf_checks=True)
    assert {client.post("/account/login/", {}).status_code for _turn in range(FIRST + 9)} == {403}
    assert written() == FIRST
    floods.sum_up(at=long_windows)
    assert sums() == [9]


def test_wrong_passwords_are_bounded(tenant: Tenant, long_windows: datetime) -> None:
    for number in range(FIRST + 1):
        password_step(Client(), f"nobody-{number}@demo.example", "wrong")
    floods.sum_up(at=long_windows)
    assert (written("accounts.signin.failed"), sums("accounts.signin.failed")) == (FIRST, [1])


@pytest.mark.urls("tests.audit.pages")
def test_the_next_request_tells_what_only_this_process_counted(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = counting.InThisProcess()
    monkeypatch.setattr(counting, "store", lambda: alone)
    refuse(FIRST + 2)
    assert Client().get("/plain/").status_code == 200
    assert sums() == [2]


@pytest.mark.urls("tests.audit.pages")
def test_a_sum_that_cannot_be_written_does_not_break_the_answer(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(act: ledger.Act) -> None:
        raise DatabaseError("the database is gone")

    alone = counting.InThisProcess()
    monkeypatch.setattr(counting, "store", lambda: alone)
    refuse(FIRST + 2)
    monkeypatch.setattr(ledger, "_write", down)
    assert Client().get("/plain/").status_code == 200


def test_the_clock_and_the_operator_sum_up(tenant: Tenant, capsys: Any) -> None:
    refuse(FIRST + 2)
    tasks.sum_up_refusals()
    assert sums() == [2]
    refuse(FIRST + 3)
    call_command("sum_up_refusals", "--json")
    assert capsys.readouterr().out == '{"summed_up": 1}\n'
    assert sums() == [2, 3]
