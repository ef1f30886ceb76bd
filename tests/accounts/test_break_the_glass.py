"""Break-glass: an owner for an hour, second factor included, and every owner is told."""

import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts import break_glass, policies, roles, tasks
from accounts.models import Membership, RoleGrant, Tenant, User
from audit import outbox
from audit.models import Event
from tests.factories import accounts as people

Enter = Callable[..., Client]
WHY = "nobody of the salon can be reached"


@pytest.fixture
def operator(tenant: Tenant) -> User:
    """Somebody who runs the server and belongs to no tenant."""
    user = people.make_user("operator", at_host="host.example")
    people.enrol(user)
    return user


def run(**options: Any) -> dict[str, Any]:
    written = StringIO()
    call_command("break_glass", "--json", "--tenant=demo", stdout=written, **options)
    return json.loads(written.getvalue())


def fresh(user: User) -> User:
    return User.objects.get(pk=user.pk)


def actions() -> list[str]:
    return [event.action for event in Event.objects.order_by("pk")]


def test_the_command_makes_an_owner_for_an_hour_and_tells_all_owners(owner: User, operator: User) -> None:
    people.make_member("partner", role="owner")
    done = run(actor=operator.email, reason=WHY)
    assert (done["actor"], done["role"], done["told"]) == (operator.email, "owner", 2)
    given = RoleGrant.objects.get(membership__user=operator)
    assert given.source == RoleGrant.Source.BREAK_GLASS
    assert timedelta(minutes=59) < given.expires_at - timezone.now() <= timedelta(hours=1)
    assert fresh(operator).has_perm("accounts.change_role")
    outbox.deliver(at=timezone.now())
    assert {tuple(sent.to) for sent in mail.outbox} == {("owner@demo.example",), ("partner@demo.example",)}
    assert all(WHY in sent.body and "operator@host.example" in sent.body for sent in mail.outbox)
    assert {"accounts.break_glass.opened", "accounts.role.granted"} <= set(actions())


def test_owners_are_told_although_it_is_over_before_the_mail_leaves(owner: User, operator: User) -> None:
    run(actor=operator.email, reason=WHY)
    assert run(actor=operator.email, end=True)["ended"] is True
    outbox.deliver(at=timezone.now())
    assert [sent.to for sent in mail.outbox] == [["owner@demo.example"]]


@pytest.mark.parametrize("reason", ["", "   ", "short"])
def test_it_needs_a_reason(owner: User, operator: User, reason: str) -> None:
    with pytest.raises(CommandError, match="Say why"):
        run(actor=operator.email, reason=reason)
    assert not break_glass.grants().exists()


def test_it_needs_somebody(owner: User) -> None:
    with pytest.raises(CommandError, match="Say who"):
        run(reason=WHY)


def test_it_still_needs_a_second_factor(owner: User, stranger: User, operator: User, enter: Enter) -> None:
    with pytest.raises(CommandError, match="second factor"):
        run(actor=stranger.email, reason=WHY)
    run(actor=operator.email, reason=WHY)
    assert enter(operator, level=1).get("/admin/").status_code == 302
    assert enter(operator).get("/admin/").status_code == 200


def test_old_roles_do_not_come_back_by_it(owner: User, receptionist: User) -> None:
    people.enrol(receptionist)
    roles.end_membership(Membership.objects.get(user=receptionist), by=owner, at=timezone.now())
    with pytest.raises(CommandError, match="has ended"):
        run(actor=receptionist.email, reason=WHY)


def test_it_ends_by_itself_at_once_and_is_swept_up_after(owner: User, operator: User) -> None:
    break_glass.open(operator, by=None, at=timezone.now() - timedelta(minutes=61), reason=WHY)
    assert not policies.held(fresh(operator)).is_staff
    assert not break_glass.in_force(at=timezone.now()).exists()
    tasks.end_expired_grants()
    assert not RoleGrant.objects.filter(membership__user=operator).exists()
    assert not Membership.objects.get(user=operator).is_active  # let in by it alone
    assert actions()[-3:] == ["accounts.role.expired", "accounts.break_glass.ended", "accounts.membership.ended"]
    count = len(actions())
    tasks.end_expired_grants()
    assert len(actions()) == count


def test_a_member_who_broke_the_glass_stays_a_member(owner: User, manager: User) -> None:
    people.enrol(manager)
    run(actor=manager.email, reason=WHY)
    assert policies.held(fresh(manager)).roles == ("manager", "owner")
    run(actor=manager.email, end=True)
    assert policies.held(fresh(manager)).roles == ("manager",)
    with pytest.raises(CommandError, match="in force"):
        run(actor=manager.email, end=True)


def test_an_owner_takes_it_back_in_the_back_office(owner: User, operator: User, enter: Enter) -> None:
    given = break_glass.open(operator, by=None, at=timezone.now(), reason=WHY)
    body = {"action": "revoke", "_selected_action": [given.pk]}
    assert enter(owner).post("/admin/accounts/rolegrant/", body).status_code == 302
    assert not break_glass.grants().exists()
    assert "accounts.break_glass.ended" in actions()


def test_it_can_be_ended_where_no_lasting_owner_is_left(operator: User) -> None:
    break_glass.open(operator, by=None, at=timezone.now(), reason=WHY)
    break_glass.end(operator, by=None, at=timezone.now())
    assert not break_glass.grants().exists()


def test_every_page_of_the_back_office_says_so_while_it_is_in_force(
    owner: User, receptionist: User, operator: User, enter: Enter
) -> None:
    desk = enter(receptionist)
    assert "Break-glass is in force" not in desk.get("/admin/").content.decode()
    break_glass.open(operator, by=None, at=timezone.now(), reason=WHY)
    for page in ("/admin/", "/admin/scheduling/appointment/"):
        shown = desk.get(page).content.decode()
        assert "Break-glass is in force" in shown and WHY in shown


def test_whoever_broke_the_glass_gives_no_lasting_role(operator: User, visitor: User) -> None:
    """Nobody gives for longer than they hold: an hour's owner makes no owner for good."""
    break_glass.open(operator, by=None, at=timezone.now(), reason=WHY)
    with pytest.raises(roles.MoreThanHeld):
        people_role = RoleGrant.objects.get(membership__user=operator).role
        roles.grant(Membership.objects.get(user=visitor), role=people_role, by=fresh(operator), at=timezone.now())


def test_expired_roles_of_every_source_are_taken_away_and_told(visitor: User, tenant: Tenant) -> None:
    given = people.give(visitor, "receptionist", expires_at=timezone.now() + timedelta(hours=1))
    RoleGrant.objects.filter(pk=given.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    counted, done = StringIO(), StringIO()
    call_command("end_expired_grants", "--json", "--dry-run", "--tenant=demo", stdout=counted)
    call_command("end_expired_grants", "--json", stdout=done)
    assert (json.loads(counted.getvalue()), json.loads(done.getvalue())) == ({"due": 1}, {"ended": 1})
    assert not RoleGrant.objects.filter(pk=given.pk).exists()
    assert actions()[-1] == "accounts.role.expired"
    assert policies.held(fresh(visitor)).roles == ("visitor",)
