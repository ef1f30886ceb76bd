"""The matrix, a member explained, groups tried out, and the lists to take away."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import permissions, roles
from accounts.models import GroupRoleMapping, IdentityProvider, Membership, Role, RoleGrant, Tenant, User
from audit.models import Event
from governance import tenancy
from tests.factories import accounts as people

Enter = Callable[..., Client]
MATRIX = "/admin/accounts/role/matrix/"
CODES = ["accounts.enter_admin", "scheduling.view_appointment"]


def define(owner: User, key: str = "helper", codes: list[str] = CODES, rank: int = 15) -> Role:
    by = User.objects.get(pk=owner.pk)
    wanted = {"name": key.title(), "codes": codes, "rank": rank, "requires_mfa": False}
    return roles.define(Role(key=key), by=by, at=timezone.now(), **wanted)


def look(client: Client, **query: str) -> dict[tuple[str, str], dict[str, Any]]:
    """The matrix as cells, by role and code."""
    groups = client.get(MATRIX, query).context["groups"]
    return {(cell["role"].key, line.code): cell for _g, lines in groups for line, cells in lines for cell in cells}


def ask(client: Client, role: Role, codes: list[str], *, seen: str | None = None) -> Any:
    fields = {"role": str(role.pk), f"holds-{role.pk}": codes, f"seen-{role.pk}": seen or roles.fingerprint(role)}
    return client.post(MATRIX, {"step": "difference", **fields})


def hidden(answer: Any) -> dict[str, list[str]]:
    """What the page of differences would send."""
    fields: dict[str, list[str]] = {"step": ["save"], "role": []}
    for change in answer.context["changes"]:
        pk = change["role"].pk
        fields["role"].append(str(pk))
        fields[f"seen-{pk}"] = [change["seen"]]
        for name, key in (("add", "added"), ("drop", "dropped")):
            fields[f"{name}-{pk}"] = [line.code for group in change[key] for line in group.lines]
    return fields


def events(action: str) -> list[Any]:
    return list(Event.objects.filter(action=action).order_by("pk"))


# --- the matrix ------------------------------------------------------------------------------------------------------
def test_the_matrix_shows_every_grantable_permission_for_every_role(enter: Enter, owner: User) -> None:
    define(owner)
    cells = look(enter(owner))
    assert {code for _role, code in cells} == {permission.code for permission in permissions.grantable()}
    assert {role for role, _code in cells} == {system.key for system in permissions.system_roles()} | {"helper"}
    assert cells["owner", "accounts.change_role"]["holds"] and not cells["auditor", "accounts.change_role"]["holds"]
    assert {role for (role, _code), cell in cells.items() if cell["open"]} == {"helper"}


def test_a_change_is_shown_before_it_is_made_and_made_when_confirmed(enter: Enter, owner: User, visitor: User) -> None:
    role, client = define(owner), enter(owner)
    people.give(visitor, "helper")
    answer = ask(client, role, ["accounts.enter_admin", "scheduling.view_service"])
    shown = answer.content.decode()
    assert "May from now on" in shown and "May no longer" in shown and "concerns 1 member" in shown
    role.refresh_from_db()
    assert sorted(role.own_permissions) == CODES  # nothing yet
    assert client.post(MATRIX, hidden(answer)).url == MATRIX
    role.refresh_from_db()
    assert sorted(role.own_permissions) == ["accounts.enter_admin", "scheduling.view_service"]
    assert events("accounts.role.defined")[-1].content["changes"]["permissions"][0] == CODES


def test_a_change_made_meanwhile_is_not_overwritten(enter: Enter, owner: User) -> None:
    role, client = define(owner), enter(owner)
    answer = ask(client, role, ["accounts.enter_admin"])
    fields = hidden(answer)
    role = Role.objects.get(pk=role.pk)
    both = {"name": "Helper", "rank": 15, "requires_mfa": False, "by": User.objects.get(pk=owner.pk)}
    roles.define(role, codes=[*CODES, "scheduling.view_service"], at=timezone.now(), **both)
    said = client.post(MATRIX, fields, follow=True).content.decode()
    assert "Somebody has changed these roles" in said
    role.refresh_from_db()
    assert "scheduling.view_service" in role.own_permissions
    assert ask(client, role, [], seen="old").url == MATRIX


def test_nothing_to_change_is_said_so(enter: Enter, owner: User) -> None:
    role = define(owner)
    assert ask(enter(owner), role, CODES).url == MATRIX


def test_nobody_changes_a_role_that_holds_more_than_they(enter: Enter, owner: User) -> None:
    editor_codes = [*CODES, "accounts.view_role", "accounts.change_role"]
    define(owner, "editor-in-chief", editor_codes, rank=20)
    strong = define(owner, "strong", [*CODES, "accounts.delete_rolegrant"], rank=20)
    weak = define(owner, "weak", CODES, rank=10)
    client = enter(people.make_member("chief", role="editor-in-chief"))
    cells = look(client)
    assert {role for (role, _code), cell in cells.items() if cell["open"]} == {"weak", "editor-in-chief"}
    assert not cells["weak", "accounts.delete_rolegrant"]["open"]
    assert ask(client, strong, []).status_code == 302
    forged = {"step": "save", "role": str(strong.pk), f"seen-{strong.pk}": roles.fingerprint(strong)}
    client.post(MATRIX, forged | {f"drop-{strong.pk}": CODES})
    forged = {"step": "save", "role": str(weak.pk), f"seen-{weak.pk}": roles.fingerprint(weak)}
    client.post(MATRIX, forged | {f"add-{weak.pk}": "accounts.delete_rolegrant"})
    system = Role.objects.get(key="auditor")
    forged = {"step": "save", "role": str(system.pk), f"seen-{system.pk}": roles.fingerprint(system)}
    client.post(MATRIX, forged | {f"add-{system.pk}": CODES})
    for role, kept in ((strong, 3), (weak, 2), (system, 0)):
        role.refresh_from_db()
        assert len(role.own_permissions) == kept


@pytest.mark.parametrize("code", ["accounts.add_tenant", "audit.delete_event", "no.such", "\x00"])
def test_what_no_role_may_hold_is_refused(enter: Enter, owner: User, code: str) -> None:
    role, client = define(owner), enter(owner)
    assert ask(client, role, [*CODES, code]).status_code == 302
    forged = {"step": "save", "role": str(role.pk), f"seen-{role.pk}": roles.fingerprint(role), f"add-{role.pk}": code}
    assert client.post(MATRIX, forged).status_code == 302
    role.refresh_from_db()
    assert sorted(role.own_permissions) == CODES


def test_who_may_only_read_reads(enter: Enter, manager: User, receptionist: User, owner: User) -> None:
    role = define(owner)
    assert not any(cell["open"] for cell in look(enter(manager)).values())
    assert ask(enter(manager), role, []).status_code == 403
    assert enter(receptionist).get(MATRIX).status_code == 403


def test_many_own_roles_come_in_pages(enter: Enter, owner: User) -> None:
    for number in range(6):
        define(owner, f"r{number}", CODES, rank=10)
    client = enter(owner)
    made = {f"r{number}" for number in range(6)}
    own = [{role for role, _code in look(client, page=page)} & made for page in "129x"]
    assert [len(page) for page in own] == [4, 2, 2, 4]
    assert own[0] | own[1] == made


def test_another_tenants_role_cannot_be_named(enter: Enter, owner: User, second_tenant: Tenant) -> None:
    with tenancy.within(second_tenant):
        other = people.make_member("other", role="owner")
        theirs = define(other)
    assert ask(enter(owner), theirs, []).status_code == 302
    forged = {"step": "save", "role": str(theirs.pk), f"seen-{theirs.pk}": roles.fingerprint(theirs)}
    enter(owner).post(MATRIX, forged | {f"drop-{theirs.pk}": CODES})
    with tenancy.within(second_tenant):
        assert sorted(Role.objects.get(pk=theirs.pk).own_permissions) == CODES


# --- a member explained ----------------------------------------------------------------------------------------------
def rights_of(client: Client, user: User) -> Any:
    return client.get(f"/admin/accounts/membership/{Membership.objects.get(user=user).pk}/rights/")


def test_every_permission_of_a_member_says_why(enter: Enter, owner: User, visitor: User) -> None:
    given = people.give(visitor, "receptionist")
    RoleGrant.objects.filter(pk=given.pk).update(granted_by=owner, reason="summer help")
    answer = rights_of(enter(owner), visitor)
    told = answer.context["told"]
    whys = {line.code: line.because for group in told.held for line in group.lines}
    assert whys["scheduling.view_appointment"] == ("Receptionist, given by Owner (summer help)",)
    offered = {line.code: line.because for group in told.missing for line in group.lines}
    assert offered["scheduling.change_service"] == ("Owner", "Manager")
    assert set(whys) | set(offered) == {permission.code for permission in permissions.grantable()}
    assert "Receptionist, given by Owner (summer help)" in answer.content.decode()
    assert "until then none of this is in force" in answer.content.decode()


def provider(**fields: Any) -> IdentityProvider:
    return IdentityProvider.objects.create(slug="okta", name="Okta", protocol="oidc", **fields)


def test_a_role_from_a_group_names_the_group(enter: Enter, owner: User, visitor: User) -> None:
    auditor = Role.objects.get(key="auditor")
    idp, source = provider(), RoleGrant.Source.IDP
    GroupRoleMapping.objects.create(idp=idp, group="finance", role=auditor)
    membership = Membership.objects.get(user=visitor)
    roles.grant(membership, role=auditor, by=None, at=timezone.now(), source=source, idp=idp)
    said = rights_of(enter(owner), visitor).content.decode()
    assert "Auditor, because the identity provider&#x27;s group maps to it: finance" in said


def test_an_ended_member_holds_nothing_and_the_page_says_so(enter: Enter, owner: User, receptionist: User) -> None:
    roles.end_membership(Membership.objects.get(user=receptionist), by=owner, at=timezone.now())
    answer = rights_of(enter(owner), receptionist)
    assert answer.context["told"].held == []
    assert "The membership has ended" in answer.content.decode()


def test_what_the_page_tells_is_what_holds(enter: Enter, owner: User, manager: User, visitor: User) -> None:
    from accounts import policies

    client = enter(owner)
    for user in (owner, manager, visitor):
        told = rights_of(client, user).context["told"].resolved
        held = policies.held(User.objects.get(pk=user.pk))
        assert (told.permissions, told.rank, told.requires_mfa) == (held.permissions, held.rank, held.requires_mfa)


def test_a_member_of_another_tenant_is_not_found(enter: Enter, owner: User, second_tenant: Tenant) -> None:
    theirs = people.make_member("theirs", role="owner", tenant=second_tenant)
    with tenancy.within(second_tenant):
        pk = Membership.objects.get(user=theirs).pk
    for page in ("rights", "see-as"):
        assert enter(owner).get(f"/admin/accounts/membership/{pk}/{page}/").status_code == 404


# --- groups tried out ------------------------------------------------------------------------------------------------
def test_groups_are_tried_out_without_changing_anything(enter: Enter, owner: User) -> None:
    idp = provider(makes_members=True, default_role=Role.objects.get(key="visitor"))
    GroupRoleMapping.objects.create(idp=idp, group="finance", role=Role.objects.get(key="auditor"))
    GroupRoleMapping.objects.create(idp=idp, group="desk", role=Role.objects.get(key="receptionist"))
    before = RoleGrant.objects.count()
    answer = enter(owner).get("/admin/accounts/role/groups/", {"idp": idp.pk, "groups": "finance\nfinance\nunknown"})
    trial = answer.context["trial"]
    assert trial.resolved.roles == ("auditor",) and trial.unmapped == ("unknown",)
    said = answer.content.decode()
    assert "group maps to it: finance" in said and "New members of this provider also get the role Visitor" in said
    assert RoleGrant.objects.count() == before


def test_another_tenants_provider_is_not_offered(enter: Enter, owner: User, second_tenant: Tenant) -> None:
    with tenancy.within(second_tenant):
        theirs = provider()
    answer = enter(owner).get("/admin/accounts/role/groups/", {"idp": theirs.pk, "groups": "x"})
    assert answer.context["trial"] is None and "idp" in answer.context["form"].errors


# --- lists to take away ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("what", ["matrix", "holdings"])
def test_a_list_is_in_the_ledger_before_it_leaves(
    enter: Enter, owner: User, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = enter(owner)
    answer = client.get(f"/admin/accounts/role/export/{what}.json")
    assert answer["Content-Type"] == "application/json" and "attachment" in answer["Content-Disposition"]
    (taken,) = events(f"accounts.rights.exported.{what}")
    assert taken.actor_id == str(owner.pk) and taken.reason.startswith("json, ")

    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("no ledger")

    monkeypatch.setattr("accounts.rights.ledger.record", broken)
    client.raise_request_exception = False
    assert client.get(f"/admin/accounts/role/export/{what}.csv").status_code == 500


def test_the_matrix_as_csv(enter: Enter, owner: User) -> None:
    define(owner)
    body = enter(owner).get("/admin/accounts/role/export/matrix.csv").content.decode()
    rows = {row["permission"]: row for row in csv.DictReader(io.StringIO(body))}
    assert set(rows) == {permission.code for permission in permissions.grantable()}
    row = rows["scheduling.view_appointment"]
    assert (row["owner"], row["helper"], row["visitor"]) == ("yes", "yes", "")


def test_who_holds_what_as_csv_is_no_formula(enter: Enter, owner: User, visitor: User) -> None:
    User.objects.filter(pk=visitor.pk).update(display_name="=cmd()")
    body = enter(owner).get("/admin/accounts/role/export/holdings.csv").content.decode()
    rows = list(csv.DictReader(io.StringIO(body)))
    (none,) = [row for row in rows if row["email"] == visitor.email]
    assert (none["name"], none["permission"]) == ("'=cmd()", "")
    mine = [row for row in rows if row["email"] == owner.email]
    assert {row["because"] for row in mine} == {"Owner, given by the platform"}


def test_who_may_not_see_grants_takes_no_list_of_them(enter: Enter, owner: User) -> None:
    define(owner, "reader", ["accounts.enter_admin", "accounts.view_role"])
    client = enter(people.make_member("reader", role="reader"))
    assert client.get("/admin/accounts/role/export/matrix.csv").status_code == 200
    assert client.get("/admin/accounts/role/export/holdings.csv").status_code == 403
    assert enter(owner).get("/admin/accounts/role/export/secrets.csv").status_code == 404


def test_more_members_cost_no_more_queries(enter: Enter, owner: User) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/admin/accounts/role/export/holdings.json").status_code == 200
        return len(queries)

    client = enter(owner)
    cost()
    one = cost()
    for name in ("a", "b", "c"):
        people.make_member(name, role="receptionist")
    assert cost() == one
