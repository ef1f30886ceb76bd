"""A session that ends while a request is under way: what it began is not kept, and no session comes out of it."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import include, path
from django.utils import timezone

from accounts import gate, passwords, roles, sessions, signin, tenants
from accounts.models import AuthSession, Membership, RoleGrant, Tenant, User
from accounts.views import going
from audit.models import Event
from governance import tenancy
from tests.accounts.signing_in import LOGIN
from tests.factories import accounts as people
from tests.racing import race
from verso.urls import urlpatterns as of_the_house

pytestmark = [pytest.mark.guarantee, pytest.mark.django_db(transaction=True)]
inside, go_on = threading.Event(), threading.Event()


@gate.staff
def slow(request: HttpRequest) -> HttpResponse:
    """A page that was let in, takes its time, and then does something."""
    user = going.here(request)
    inside.set()
    assert go_on.wait(60)
    tenants.describe(tenancy.current(), tagline="changed", by=user, at=timezone.now())
    return HttpResponse("done")


@gate.signed_in
def slow_password(request: HttpRequest) -> HttpResponse:
    """Somebody changes their password, slowly."""
    user = going.here(request)
    inside.set()
    assert go_on.wait(60)
    signin.renew(request, user, at=timezone.now())  # type: ignore[arg-type]
    return HttpResponse("done")


urlpatterns = [path("slow/", slow), path("slow-password/", slow_password), path("", include(of_the_house))]


@pytest.fixture(autouse=True)
def slow_pages() -> Iterator[None]:
    inside.clear()
    go_on.clear()
    with override_settings(ROOT_URLCONF=__name__):
        yield


def meanwhile(client: Client, address: str, act: Callable[[], Any]) -> Any:
    """The answer of a request during which something else happened."""

    def visit() -> Any:
        return client.post(address)

    def change() -> None:
        assert inside.wait(60)
        try:
            act()
        finally:
            go_on.set()

    return race([visit, change]).results[0]


def nothing(row: AuthSession, owner: User) -> None:
    """All stays as it is."""


def ended(row: AuthSession, owner: User) -> None:
    sessions.end(row, by=owner, at=timezone.now(), why="ended by staff")


def password_changed(row: AuthSession, owner: User) -> None:
    passwords.change(User.objects.get(pk=row.user_id), new="another quiet sentence", at=timezone.now())


def role_taken(row: AuthSession, owner: User) -> None:
    given = RoleGrant.objects.get(membership__user=row.user, role__key="manager")
    roles.revoke(given, by=owner, at=timezone.now())


def membership_ended(row: AuthSession, owner: User) -> None:
    roles.end_membership(Membership.objects.get(user=row.user), by=owner, at=timezone.now())


def account_closed(row: AuthSession, owner: User) -> None:
    User.objects.filter(pk=row.user_id).update(is_active=False)


def tenant_closed(row: AuthSession, owner: User) -> None:
    Tenant.objects.filter(pk=row.tenant_id).update(is_active=False)


def tagline() -> str:
    return str(Tenant.objects.get(pk=tenancy.current_id()).tagline)


def test_without_a_change_the_act_is_done(owner: User, manager: User) -> None:
    client = people.enter(manager)
    row = AuthSession.objects.get(user=manager)
    answer = meanwhile(client, "/slow/", lambda: nothing(row, owner))
    assert (answer.status_code, tagline()) == (200, "changed")


@pytest.mark.parametrize("act", [ended, password_changed, role_taken, membership_ended, account_closed, tenant_closed])
def test_what_was_begun_is_not_kept(owner: User, manager: User, act: Callable[[AuthSession, User], None]) -> None:
    client = people.enter(manager)
    row = AuthSession.objects.get(user=manager)
    answer = meanwhile(client, "/slow/", lambda: act(row, owner))
    assert (answer.status_code, answer.url) == (302, f"{LOGIN}?next=/")
    assert tagline() == ""
    refused = Event.objects.get(action="accounts.session.refused")
    assert (refused.outcome, refused.object_id) == ("refused", str(manager.pk))
    assert refused.reason.startswith("while under way: ")


def test_no_session_comes_out_of_one_that_was_ended(owner: User, visitor: User) -> None:
    client = people.enter(visitor, level=1)
    row = AuthSession.objects.get(user=visitor)
    answer = meanwhile(client, "/slow-password/", lambda: ended(row, owner))
    assert answer.url == f"{LOGIN}?next=/"
    assert client.get("/account/").url.startswith(LOGIN)
    assert not AuthSession.objects.filter(ended_at=None, user=visitor).exists()


def test_who_gives_up_a_role_of_their_own_may_do_so(owner: User) -> None:
    people.give(owner, "manager")
    client = people.enter(owner)
    given = RoleGrant.objects.get(membership__user=owner, role__key="manager")
    body = {"action": "revoke", "_selected_action": [str(given.pk)]}
    client.post("/admin/accounts/rolegrant/", body)
    assert not RoleGrant.objects.filter(pk=given.pk).exists()


@pytest.mark.postgresql
def test_the_end_of_a_session_waits_for_an_act_that_is_being_written(owner: User, manager: User) -> None:
    """So that afterwards it is certain: what is there was done before, and nothing follows."""
    people.enter(manager)
    row = AuthSession.objects.get(user=manager)

    def impatient() -> Any:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '300ms'")
            return sessions.end(row, by=owner, at=timezone.now(), why="ended by staff")

    with transaction.atomic():
        assert sessions.facts(row) is not None
        assert isinstance(race([impatient]).results[0], OperationalError)
        assert race([lambda: sessions.facts(row)]).results[0] is not None  # acts do not wait for each other
    assert race([impatient]).results == [True]


def test_two_who_end_each_other_at_once(visitor: User) -> None:
    """One of them is left: the second finds itself ended."""
    rows = []
    for _ in range(2):
        people.enter(visitor, level=1)
    rows = list(AuthSession.objects.filter(user=visitor).order_by("pk"))
    runners = [lambda row=row: sessions.end_others(visitor, keep=row, by=visitor, at=timezone.now()) for row in rows]
    results = race(runners).results
    assert sorted(type(result).__name__ for result in results) == ["SessionOver", "int"]
    assert AuthSession.objects.filter(user=visitor, ended_at=None).count() == 1
