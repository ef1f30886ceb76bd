"""Seeing the site as another member: with a reason, marked everywhere, never further than oneself could go."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import gate, impersonation, permissions, policies, roles
from accounts.models import Membership, Role, User
from audit.models import Event
from tests.factories import accounts as people
from tests.house.test_the_plan import addresses as every_address

Enter = Callable[..., Client]
WHY = "she cannot find her appointments"


def member(user: User) -> Membership:
    return Membership.objects.get(user=user)


def see_as(client: Client, other: User, reason: str = WHY) -> Any:
    return client.post(f"/admin/accounts/membership/{member(other).pk}/see-as/", {"reason": reason})


def events(action: str) -> list[Any]:
    return list(Event.objects.filter(action=action).order_by("pk"))


def test_an_owner_sees_what_a_receptionist_sees_and_every_page_says_so(
    enter: Enter, owner: User, receptionist: User
) -> None:
    client = enter(owner)
    assert see_as(client, receptionist).url == "/admin/"
    for page in ("/admin/", "/admin/scheduling/appointment/", "/account/", "/", "/contact/"):
        answer = client.get(page)
        shown = answer.content.decode()
        assert answer.status_code == 200, page
        assert "<strong>Owner</strong> sees the site as <strong>Receptionist</strong>" in shown, page
        assert "no-store" in answer["Cache-Control"], page
    assert client.get("/admin/scheduling/service/add/").status_code == 403  # a receptionist's rights, no more


def test_the_ledger_names_them_both(enter: Enter, owner: User, receptionist: User) -> None:
    client = enter(owner)
    see_as(client, receptionist)
    client.get("/admin/scheduling/service/add/")
    (started,) = events("accounts.impersonation.started")
    assert (started.actor_id, started.object_id, started.reason) == (str(owner.pk), str(receptionist.pk), WHY)
    (refused,) = events("web.request.refused")
    assert refused.actor_id == str(owner.pk)
    assert refused.content["on_behalf_of"] == f"user:{receptionist.pk}"


def test_it_ends_by_the_button(enter: Enter, owner: User, receptionist: User) -> None:
    client = enter(owner)
    see_as(client, receptionist)
    assert client.post("/account/seen-as/stop/").url == "/admin/"
    assert "sees the site as" not in client.get("/admin/").content.decode()
    assert client.get("/admin/accounts/membership/").status_code == 200
    (ended,) = events("accounts.impersonation.ended")
    assert (ended.actor_id, ended.object_id, ended.reason) == (str(owner.pk), str(receptionist.pk), "by hand")
    assert impersonation.COOKIE not in {name for name, morsel in client.cookies.items() if morsel.value}


def age(client: Client, minutes: int) -> None:
    session = client.session
    session[impersonation.SEEN_AS]["until"] -= minutes * 60
    session.save()


def test_it_ends_after_half_an_hour(enter: Enter, owner: User, receptionist: User) -> None:
    client = enter(owner)
    see_as(client, receptionist)
    age(client, 29)
    assert "sees the site as" in client.get("/admin/").content.decode()
    age(client, 2)
    assert "sees the site as" not in client.get("/admin/").content.decode()
    assert client.get("/admin/accounts/membership/").status_code == 200
    assert [event.reason for event in events("accounts.impersonation.ended")] == ["half an hour is over"]


@pytest.mark.parametrize("what", ["membership of the other", "right", "rank of the other", "account of the other"])
def test_it_ends_when_it_would_not_be_allowed_any_more(enter: Enter, manager: User, owner: User, what: str) -> None:
    other, by = people.make_member("other", role="receptionist"), people.make_member("by", role="owner")
    client = enter(by)
    see_as(client, other)
    assert "sees the site as" in client.get("/admin/").content.decode()
    if what == "membership of the other":
        roles.end_membership(member(other), by=owner, at=timezone.now())
    elif what == "right":
        people.give(by, "manager")
        roles.revoke(member(by).grants.get(role__key="owner"), by=owner, at=timezone.now())
    elif what == "rank of the other":
        roles.revoke(member(by).grants.get(role__key="owner"), by=owner, at=timezone.now())
        helper = define_helper(owner)
        roles.grant(member(by), role=helper, by=owner, at=timezone.now())
    else:
        User.objects.filter(pk=other.pk).update(is_active=False)
    assert "sees the site as" not in client.get("/admin/").content.decode()
    assert [event.reason for event in events("accounts.impersonation.ended")] == ["no longer allowed"]


def define_helper(owner: User) -> Role:
    codes = ["accounts.enter_admin", "accounts.impersonate", "accounts.view_membership", "accounts.view_rolegrant"]
    by = User.objects.get(pk=owner.pk)
    return roles.define(
        Role(key="helper"), name="Helper", codes=codes, rank=15, requires_mfa=True, by=by, at=timezone.now()
    )


def test_nobody_sees_as_somebody_above_nor_as_one_who_may_do_more(
    enter: Enter, owner: User, manager: User, auditor: User, visitor: User
) -> None:
    define_helper(owner)
    helper = people.make_member("supporter", role="helper")
    for other in (owner, manager, auditor, helper):
        answer = see_as(enter(helper), other)
        assert (answer.status_code, "cannot see the site as" in answer.content.decode()) == (200, True)
    assert see_as(enter(helper), visitor).status_code == 302
    assert {event.outcome for event in events("accounts.impersonation.started")} == {"refused", "success"}


def test_without_the_right_nobody_sees_as_anybody(enter: Enter, manager: User, visitor: User) -> None:
    assert see_as(enter(manager), visitor).status_code == 403
    assert not policies.may_see_as(manager, visitor)


def test_it_needs_a_reason(enter: Enter, owner: User, visitor: User) -> None:
    client = enter(owner)
    for reason in ("", "  ", "because"):
        assert see_as(client, visitor, reason).status_code == 200
    assert "sees the site as" not in client.get("/admin/").content.decode()


def test_it_needs_a_fresh_second_factor(enter: Enter, owner: User, visitor: User) -> None:
    client = enter(owner)
    session = client.session
    people.grow_old(session, 3600)
    session.save()
    asked = see_as(client, visitor)
    assert (asked.status_code, 'name="kept"' in asked.text) == (403, True)


def test_it_is_never_nested(enter: Enter, owner: User, visitor: User) -> None:
    other = people.make_member("partner", role="owner")
    client = enter(owner)
    assert see_as(client, other).status_code == 302
    assert see_as(client, visitor).status_code == 403
    other.seen_by = owner
    assert not policies.may_see_as(other, visitor)


def test_everything_that_guards_the_door_is_closed_meanwhile(enter: Enter, owner: User) -> None:
    """Every page of accounts and single sign-on, own and back office: read from the addresses themselves."""
    people.make_member("partner", role="owner")
    client = enter(owner)
    see_as(client, User.objects.get(email="partner@demo.example"))
    pages = ["/account/password/", "/account/two_factor/setup/", "/account/two_factor/recovery/", "/account/tokens/"]
    pages += ["/account/verify/", "/admin/password_change/"]
    pages += [
        f"/{address}"
        for address, view in every_address_without_holes()
        if address.startswith("admin/accounts/") and gate.verdict_for(view) is not gate.Mark.PUBLIC
    ]
    assert len(pages) > 15
    for page in pages:
        assert client.get(page).status_code == 403, page
        assert client.post(page).status_code == 403, page
    assert any("while seen as another" in event.reason for event in events("accounts.gate.refused"))


def every_address_without_holes() -> list[tuple[str, Any]]:
    from django.urls import get_resolver

    found = every_address(get_resolver().url_patterns)
    return [(address, view) for address, view in found if "<" not in address and "(" not in address]


def test_no_permission_over_accounts_or_keys_is_left_meanwhile(owner: User) -> None:
    other = User.objects.get(pk=people.make_member("partner", role="owner").pk)
    other.seen_by = owner
    left = policies.usable_permissions(other)
    assert {code for code in left if code.startswith("accounts.")} == {permissions.ENTER_ADMIN}
    assert not {code for code in left if "tenantkey" in code}
    assert "scheduling.change_appointment" in left


def test_signing_out_ends_the_real_session(enter: Enter, owner: User, visitor: User) -> None:
    client = enter(owner)
    see_as(client, visitor)
    client.post("/account/logout/")
    assert client.get("/account/").status_code == 302
    assert events("accounts.session.ended")[-1].object_id == str(owner.pk)


def test_public_pages_of_everybody_else_ask_no_session(client: Client, enter: Enter, owner: User) -> None:
    signed_in = enter(owner)
    answer = signed_in.get("/contact/")
    assert "Cookie" not in answer.get("Vary", "") or "no-store" not in answer.get("Cache-Control", "")
    client.cookies[impersonation.COOKIE] = "1"  # the mark alone is nobody's authority
    assert client.get("/").status_code == 200
    assert "sees the site as" not in client.get("/").content.decode()


def test_half_an_hour_is_half_an_hour(owner: User, visitor: User) -> None:
    now, session = timezone.now(), {}
    until = impersonation.start(session, visitor, by=owner, at=now, reason=WHY)  # type: ignore[arg-type]
    assert until - now == timedelta(minutes=30)
