"""Where somebody is signed in: seen and ended by themselves, and by staff for members of their tenant."""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import sessions
from accounts.models import AuthSession, Membership, Tenant, User
from audit import ledger
from audit.models import Event
from governance import tenancy
from tests.accounts.signing_in import LOGIN
from tests.factories import accounts as people
from tests.racing import race

PAGE = "/account/sessions/"
OFFICE = "/admin/accounts/authsession/"


def rows(user: User) -> list[AuthSession]:
    return list(AuthSession.objects.filter(user=user).order_by("pk"))


# --- one's own --------------------------------------------------------------------------------------------------------
def test_the_page_lists_this_session_first_and_the_others(visitor: User, owner: User) -> None:
    client = people.enter(visitor, level=1)
    people.enter(visitor, level=1)
    people.enter(owner)
    page = client.get(PAGE)
    lines = page.context["lines"]
    assert [line.is_this for line in lines] == [True, False]
    assert {line.session.user for line in lines} == {visitor}
    assert [line.proven for line in lines] == ["password", "password"]
    assert "this one" in page.text
    assert "End all others" in page.text
    assert lines[0].session.key_digest not in page.text


def test_it_costs_the_same_with_three(visitor: User) -> None:
    client = people.enter(visitor, level=1)
    client.get(PAGE)
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            client.get(PAGE)
        counts.append(len(queries))
        for _more in range(2):
            people.enter(visitor, level=1)
    assert counts[0] == counts[1]


def test_one_is_ended(visitor: User) -> None:
    here, there = people.enter(visitor, level=1), people.enter(visitor, level=1)
    other = rows(visitor)[1]
    answer = here.post(f"{PAGE}{other.pk}/end/", follow=True)
    assert "The session is ended." in answer.text
    assert there.get("/account/").url.startswith(LOGIN)
    assert here.get(PAGE).status_code == 200
    event = Event.objects.get(action="accounts.session.ended")
    assert (event.reason, event.actor_id, event.object_id) == ("ended by its owner", str(visitor.pk), str(visitor.pk))
    assert "over already" in here.post(f"{PAGE}{other.pk}/end/", follow=True).text


def test_ending_this_one_is_signing_out(visitor: User) -> None:
    client = people.enter(visitor, level=1)
    assert client.post(f"{PAGE}{rows(visitor)[0].pk}/end/").url == "/"
    assert client.get("/account/").url.startswith(LOGIN)
    assert Event.objects.get(action="accounts.session.ended").reason == "signed out"


def test_all_others_are_ended(visitor: User, owner: User) -> None:
    here, others = people.enter(visitor, level=1), [people.enter(visitor, level=1) for _ in range(2)]
    theirs = people.enter(owner)
    assert "2 other sessions are ended." in here.post(f"{PAGE}end-others/", follow=True).text
    assert [client.get("/account/").status_code for client in (here, *others, theirs)] == [200, 302, 302, 200]


def test_nobody_elses(visitor: User, owner: User) -> None:
    client = people.enter(visitor, level=1)
    people.enter(owner)
    assert client.post(f"{PAGE}{rows(owner)[0].pk}/end/").status_code == 404
    assert client.get(f"{PAGE}{rows(owner)[0].pk}/end/").status_code == 405
    assert client.get(f"{PAGE}end-others/").status_code == 405
    assert Client().get(PAGE).url.startswith(LOGIN)


# --- by staff ---------------------------------------------------------------------------------------------------------
def end(client: Client, *chosen: AuthSession) -> Any:
    body = {"action": "end", "_selected_action": [str(row.pk) for row in chosen]}
    return client.post(OFFICE, body, follow=True)


def test_a_manager_sees_and_ends_sessions_of_members(manager: User, visitor: User) -> None:
    office, theirs = people.enter(manager), people.enter(visitor, level=1)
    page = office.get(OFFICE)
    assert page.status_code == 200
    assert visitor.display_name in page.text
    assert "1 done." in end(office, *rows(visitor)).text
    assert theirs.get("/account/").url.startswith(LOGIN)
    event = Event.objects.get(action="accounts.session.ended")
    assert (event.reason, event.actor_id) == ("ended by staff", str(manager.pk))
    assert visitor.display_name not in office.get(OFFICE).context["cl"].result_list.values_list(
        "user__display_name", flat=True
    )
    assert office.get(f"{OFFICE}?state=over").context["cl"].result_count == 1


def test_not_of_somebody_who_stands_higher(manager: User, owner: User) -> None:
    office, theirs = people.enter(manager), people.enter(owner)
    assert "Nobody can end a session of somebody with a higher role." in end(office, *rows(owner)).text
    assert theirs.get("/admin/").status_code == 200


def test_ones_own_is_left_out(manager: User) -> None:
    office = people.enter(manager)
    end(office, *rows(manager))
    assert office.get(OFFICE).status_code == 200


@pytest.mark.guarantee
@pytest.mark.django_db(transaction=True)
def test_two_who_end_each_others_session_at_once_are_both_answered(
    manager: User, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each holds what the other waits for, unless both take hold in one order: the first wins, the other is out."""
    other = people.make_member("deputy", role="manager")
    offices, meet, record = {user: people.enter(user) for user in (manager, other)}, threading.Barrier(2), ledger.record

    def record_together(action: str, *rest: Any, **more: Any) -> Any:
        if action == "accounts.session.ended":
            with suppress(threading.BrokenBarrierError):  # in one order, only one of them gets here
                meet.wait(timeout=0.4)
        return record(action, *rest, **more)

    monkeypatch.setattr(ledger, "record", record_together)
    ends = [
        lambda: end(offices[manager], *rows(other)).status_code,
        lambda: end(offices[other], *rows(manager)).status_code,
    ]
    assert race(ends).results == [200, 200]
    assert AuthSession.objects.filter(ended_at=None).count() == 1


def test_others_see_and_end_nothing(enter: Callable[..., Client], receptionist: User, auditor: User) -> None:
    for user in (receptionist, auditor):
        client = enter(user)
        assert client.get(OFFICE).status_code == 403
        assert end(client, *rows(user)).status_code == 403


def test_another_tenants_sessions_do_not_exist(owner: User, second_tenant: Tenant) -> None:
    stranger = people.make_member("theirs", role="owner", tenant=second_tenant)
    with tenancy.within(second_tenant):
        people.enter(stranger)
        theirs = AuthSession.objects.get()
        Membership.objects.create(user=owner)
        people.enter(owner)
        own_there = AuthSession.objects.get(user=owner)
    office = people.enter(owner)
    page = office.get(f"{OFFICE}?state=all")
    assert page.context["cl"].result_count == 1
    for row in (theirs, own_there):
        assert office.get(f"{OFFICE}{row.pk}/change/").status_code == 302
        assert "done." not in end(office, row).text
        assert office.post(f"{PAGE}{row.pk}/end/").status_code == 404
    with tenancy.within(second_tenant):
        assert AuthSession.objects.filter(ended_at=None).count() == 2
    assert len(office.get(PAGE).context["lines"]) == 1


@pytest.mark.parametrize("lookup", ["key_digest__startswith=a", "name_id__contains=a", "user__password__startswith=a"])
def test_no_column_is_asked_for_in_the_address(owner: User, lookup: str) -> None:
    answer = people.enter(owner).get(f"{OFFICE}?{lookup}")
    assert answer.status_code == 400


def test_its_page_shows_evidence_and_no_digest(owner: User, visitor: User) -> None:
    office = people.enter(owner)
    people.enter(visitor, level=1)
    row = rows(visitor)[0]
    page = office.get(f"{OFFICE}{row.pk}/change/")
    assert page.status_code == 200
    assert row.key_digest not in page.text
    assert "password" in page.text
    assert office.post(f"{OFFICE}{row.pk}/change/", {}).status_code == 403
    assert office.post(f"{OFFICE}{row.pk}/delete/", {"post": "yes"}).status_code == 403


def test_all_of_somebodys_are_ended_at_once(visitor: User) -> None:
    clients = [people.enter(visitor, level=1) for _ in range(2)]
    assert sessions.end_all(visitor, by=None, at=timezone.now(), why="account closing") == 2
    assert [client.get("/account/").status_code for client in clients] == [302, 302]
