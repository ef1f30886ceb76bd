"""Giving and taking roles: live at once, only here, never more than one holds, never the last owner."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import checks, permissions, policies, roles, security
from accounts.models import Membership, Role, RoleGrant, Tenant, User
from governance import tenancy
from tests.factories import accounts as people
from tests.racing import race


def fresh(user: User) -> User:
    return User.objects.get(pk=user.pk)


def grant_of(user: User) -> RoleGrant:
    return RoleGrant.objects.get(membership__user=user)


def test_a_receptionist_may_what_the_map_says_and_no_more(receptionist: User) -> None:
    assert receptionist.has_perm("scheduling.view_appointment")
    assert not receptionist.has_perm("scheduling.change_service")
    assert receptionist.has_module_perms("scheduling")
    assert not receptionist.has_module_perms("audit")


def test_a_role_counts_only_in_its_tenant(owner: User, second_tenant: Tenant) -> None:
    assert owner.has_perm("scheduling.change_service")
    with tenancy.within(second_tenant):
        assert not owner.has_perm("scheduling.change_service")
        assert policies.held(owner) == policies.NOTHING


def test_nobody_has_anything_without_a_tenant(owner: User) -> None:
    with tenancy.across():
        assert owner.get_all_permissions() == set() if hasattr(owner, "get_all_permissions") else True
        assert not owner.has_perm("scheduling.change_service")


def test_another_tenants_object_is_never_permitted(owner: User, second_tenant: Tenant) -> None:
    with tenancy.within(second_tenant):
        theirs = Role.objects.get(key="owner")
    assert owner.has_perm("accounts.view_role")
    assert not owner.has_perm("accounts.view_role", theirs)


def test_permissions_cost_one_query_a_request(owner: User, django_assert_num_queries) -> None:
    user = fresh(owner)
    security.in_force()  # the tenant's policy is kept for some seconds
    with django_assert_num_queries(1):
        assert user.has_perm("scheduling.change_service")
        assert user.has_perm("scheduling.view_appointment")
        assert policies.is_staff(user)


def test_an_expired_grant_gives_nothing(visitor: User) -> None:
    given = people.give(visitor, "receptionist", expires_at=timezone.now() + timedelta(hours=1))
    assert fresh(visitor).has_perm("scheduling.view_appointment")
    RoleGrant.objects.filter(pk=given.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert not fresh(visitor).has_perm("scheduling.view_appointment")


def test_an_inactive_user_holds_nothing(owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert not fresh(owner).has_perm("scheduling.view_appointment")


def test_a_manager_gives_what_they_hold(manager: User, visitor: User) -> None:
    member = Membership.objects.get(user=visitor)
    given = roles.grant(member, role=Role.objects.get(key="receptionist"), by=manager, at=timezone.now(), reason="new")
    assert (given.source, given.granted_by, given.reason) == ("manual", manager, "new")
    assert fresh(visitor).has_perm("scheduling.view_appointment")


def test_nobody_gives_more_than_they_hold(manager: User, receptionist: User, visitor: User) -> None:
    member = Membership.objects.get(user=visitor)
    for by, role in [(manager, "owner"), (receptionist, "manager"), (receptionist, "auditor"), (visitor, "auditor")]:
        with pytest.raises(roles.MoreThanHeld):
            roles.grant(member, role=Role.objects.get(key=role), by=by, at=timezone.now())
    assert RoleGrant.objects.filter(membership=member).count() == 1


def test_nobody_gives_for_longer_than_they_hold(visitor: User, stranger: User) -> None:
    now = timezone.now()
    people.give(visitor, "manager", expires_at=now + timedelta(hours=1))
    member = Membership.objects.create(user=stranger)
    desk = Role.objects.get(key="receptionist")
    with pytest.raises(roles.MoreThanHeld):
        roles.grant(member, role=desk, by=fresh(visitor), at=now)
    roles.grant(member, role=desk, by=fresh(visitor), at=now, expires_at=now + timedelta(minutes=30))


def test_a_grant_cannot_end_before_it_begins(owner: User, visitor: User) -> None:
    member, now = Membership.objects.get(user=visitor), timezone.now()
    with pytest.raises(roles.AlreadyOver):
        roles.grant(member, role=Role.objects.get(key="auditor"), by=owner, at=now, expires_at=now)


def test_giving_twice_moves_the_end(owner: User, visitor: User) -> None:
    now = timezone.now()
    people.give(visitor, "auditor", expires_at=now + timedelta(days=1))
    people.give(visitor, "auditor", expires_at=now + timedelta(days=2))
    assert RoleGrant.objects.get(membership__user=visitor, role__key="auditor").expires_at == now + timedelta(days=2)


def test_a_revoked_role_is_gone_at_once(owner: User, receptionist: User) -> None:
    roles.revoke(grant_of(receptionist), by=owner, at=timezone.now())
    assert not fresh(receptionist).has_perm("scheduling.view_appointment")


def test_nobody_takes_from_those_above(manager: User, owner: User) -> None:
    with pytest.raises(roles.MoreThanHeld):
        roles.revoke(grant_of(owner), by=manager, at=timezone.now())


def test_the_last_owner_stays(owner: User, visitor: User) -> None:
    with pytest.raises(roles.LastOwner):
        roles.revoke(grant_of(owner), by=owner, at=timezone.now())
    with pytest.raises(roles.LastOwner):
        roles.end_membership(Membership.objects.get(user=owner), by=owner, at=timezone.now())
    people.give(visitor, "owner", expires_at=timezone.now() + timedelta(hours=1))
    with pytest.raises(roles.LastOwner):
        roles.revoke(grant_of(owner), by=owner, at=timezone.now())
    people.give(visitor, "owner")
    roles.revoke(grant_of(owner), by=owner, at=timezone.now())


def test_the_last_owner_cannot_be_given_an_end(owner: User, visitor: User) -> None:
    now, role = timezone.now(), Role.objects.get(key="owner")
    ends = now + timedelta(minutes=1)
    with pytest.raises(roles.LastOwner):
        roles.grant(Membership.objects.get(user=owner), role=role, by=owner, at=now, expires_at=ends)
    assert grant_of(owner).expires_at is None
    people.give(visitor, "owner")
    roles.grant(Membership.objects.get(user=owner), role=role, by=fresh(visitor), at=now, expires_at=ends)
    assert grant_of(owner).expires_at == ends


def test_an_ended_membership_holds_nothing(owner: User, receptionist: User) -> None:
    member = Membership.objects.get(user=receptionist)
    roles.end_membership(member, by=owner, at=timezone.now(), reason="left")
    assert policies.held(fresh(receptionist)) == policies.NOTHING
    with pytest.raises(roles.NotHere):
        roles.grant(member, role=Role.objects.get(key="auditor"), by=owner, at=timezone.now())
    roles.resume_membership(member, by=owner, at=timezone.now())
    assert fresh(receptionist).has_perm("scheduling.view_appointment")


def test_a_role_of_another_tenant_cannot_be_given(owner: User, visitor: User, second_tenant: Tenant) -> None:
    with tenancy.within(second_tenant):
        theirs = Role.objects.get(key="auditor")
    with pytest.raises(roles.NotHere):
        roles.grant(Membership.objects.get(user=visitor), role=theirs, by=owner, at=timezone.now())


def test_a_tenant_makes_its_own_role(owner: User, manager: User, visitor: User) -> None:
    codes = ["accounts.enter_admin", "accounts.view_user"]
    desk = roles.define(
        Role(key="helper"), name="Helper", codes=codes, rank=15, requires_mfa=False, by=owner, at=timezone.now()
    )
    assert (desk.name, desk.permissions, desk.requires_mfa) == ("Helper", frozenset(codes), True)
    people.give(visitor, "helper")
    assert fresh(visitor).has_perm("accounts.view_user")
    with pytest.raises(roles.UnknownPermission):
        roles.define(
            desk, name="x", codes=["accounts.add_tenant"], rank=1, requires_mfa=True, by=owner, at=timezone.now()
        )
    with pytest.raises(roles.MoreThanHeld):
        roles.define(
            desk, name="x", codes=["accounts.change_tenant"], rank=1, requires_mfa=True, by=manager, at=timezone.now()
        )
    with pytest.raises(roles.MoreThanHeld):
        system = Role.objects.get(key="auditor")
        roles.define(system, name="x", codes=[], rank=1, requires_mfa=True, by=owner, at=timezone.now())


def test_operators_see_the_platform_only_where_they_are_members(owner: User, stranger: User) -> None:
    assert not owner.has_perm("accounts.add_tenant")
    User.objects.filter(pk__in=[owner.pk, stranger.pk]).update(is_operator=True)
    assert fresh(owner).has_perm("accounts.add_tenant")
    assert fresh(owner).has_perm("django_celery_beat.view_periodictask")
    assert not fresh(stranger).has_perm("accounts.add_tenant")


def test_the_map_names_only_permissions_that_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks.system_roles_hold_what_exists(None) == []
    monkeypatch.setitem(permissions._ROLES, "odd", ("Odd", 1, False, {"scheduling.fly"}))
    assert [found.id for found in checks.system_roles_hold_what_exists(None)] == ["accounts.E004"]


def test_no_tenant_role_holds_what_belongs_to_the_platform_or_rewrites_the_ledger(db: None) -> None:
    platform = permissions.for_operators()
    for role in permissions.system_roles():
        assert not role.permissions & platform
        assert not {c for c in role.permissions if c.startswith(("audit.add_", "audit.change_", "audit.delete_"))}


@pytest.mark.guarantee
@pytest.mark.django_db(transaction=True)
def test_two_owners_who_depose_each_other_leave_one(owner: User, tenant: Tenant) -> None:
    other = people.make_member("other", role="owner")
    takes = [(owner, grant_of(other)), (other, grant_of(owner))]

    def depose(by: User, given: RoleGrant) -> None:
        with tenancy.within(tenant):
            roles.revoke(given, by=fresh(by), at=timezone.now())

    ran = race([lambda by=by, given=given: depose(by, given) for by, given in takes])
    assert ran.kinds()["NoneType"] == 1
    assert RoleGrant.objects.filter(role__key="owner").count() == 1
