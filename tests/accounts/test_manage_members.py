"""The back office of the door: members, grants, roles and the tenant's face; nobody gives more than they hold."""

import re
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from PIL import Image

from accounts import permissions
from accounts.models import ExternalIdentity, Membership, Role, RoleGrant, Tenant, User
from audit import outbox
from governance import tenancy
from tests.factories import accounts as people
from tests.factories.sso import make_idp

ADMIN = "/admin/accounts"
Enter = Callable[..., Client]


def role(key: str) -> Role:
    return Role.objects.get(key=key)


def admit(client: Client, key: str, email: str = "new@demo.example"):
    body = {"email": email, "name": "New Face", "role": role(key).pk}
    return client.post(f"{ADMIN}/membership/add/", body | management_form())


def management_form() -> dict[str, str]:
    return {"grants-TOTAL_FORMS": "0", "grants-INITIAL_FORMS": "0"}


def said(answer) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def test_every_page_opens_for_an_owner(enter: Enter, owner: User) -> None:
    client = enter(owner)
    member, given = Membership.objects.get(user=owner), RoleGrant.objects.get(membership__user=owner)
    pages = ["user/", f"user/{owner.pk}/change/", "membership/", "membership/add/", f"membership/{member.pk}/change/"]
    pages += ["rolegrant/", "rolegrant/add/", f"rolegrant/{given.pk}/change/", "role/", "role/add/"]
    pages += [f"role/{role('auditor').pk}/change/", "tenant/", f"tenant/{tenancy.current_id()}/change/"]
    assert {page: client.get(f"{ADMIN}/{page}").status_code for page in pages} == dict.fromkeys(pages, 200)


def test_pages_a_receptionist_has_no_business_with_are_closed(enter: Enter, receptionist: User) -> None:
    client = enter(receptionist)
    assert client.get("/admin/").status_code == 200
    pages = ["user/", "membership/", "rolegrant/", "role/", "tenant/"]
    assert {client.get(f"{ADMIN}/{page}").status_code for page in pages} == {403}


def test_a_manager_lets_a_receptionist_in_who_is_told(enter: Enter, manager: User, client: Client) -> None:
    answer = admit(enter(manager), "receptionist")
    assert answer.status_code == 302
    member = Membership.objects.get(user__email="new@demo.example")
    assert member.person is not None
    assert (member.person.email, [g.role.key for g in member.grants.all()]) == ("new@demo.example", ["receptionist"])
    outbox.deliver(at=timezone.now())
    (sent,) = mail.outbox
    assert sent.to == ["new@demo.example"]
    (link,) = [line for line in sent.body.splitlines() if "/account/welcome/" in line]
    path = link[link.index("/account/") :]
    new = {"new_password1": people.PASSWORD, "new_password2": people.PASSWORD}
    assert client.get(path).status_code == 200
    assert client.post(path, {"new_password1": "short", "new_password2": "short"}).status_code == 422
    assert client.post(path, new).url == "/account/login/"
    assert client.get(path).status_code == 410
    assert User.objects.get(pk=member.user_id).check_password(people.PASSWORD)


def test_factors_set_up_before_the_mailbox_was_proven_go(enter: Enter, owner: User, second_tenant: Tenant) -> None:
    """Another tenant's provider may have said any address: it does not keep its owner out of here."""
    with tenancy.within(second_tenant):
        squatted = people.make_member("ada")
        ExternalIdentity.objects.create(user=squatted, idp=make_idp("corp"), subject="s-1", linked_at=timezone.now())
    squatted.set_unusable_password()
    squatted.save()
    people.enrol(squatted)
    admit(enter(owner), "receptionist", email=squatted.email)
    outbox.deliver(at=timezone.now())
    (link,) = [line for line in mail.outbox[0].body.splitlines() if "/account/welcome/" in line]
    path, new = link[link.index("/account/welcome/") :], "a quiet sentence of my own"
    chosen = Client().post(path, {"new_password1": new, "new_password2": new})
    assert chosen.status_code == 302
    assert not squatted.has_second_factor()


def test_a_manager_lets_no_owner_in(enter: Enter, manager: User) -> None:
    answer = admit(enter(manager), "owner")
    assert answer.status_code == 200
    assert answer.context["adminform"].form.non_field_errors() == [
        "Nobody can give or take more than they hold themselves."
    ]
    assert not User.objects.filter(email="new@demo.example").exists()


def test_a_member_of_another_tenant_keeps_name_and_password(enter: Enter, owner: User, second_tenant: Tenant) -> None:
    theirs = people.make_member("theirs", role="owner", tenant=second_tenant)
    assert admit(enter(owner), "receptionist", theirs.email).status_code == 302
    kept = User.objects.get(pk=theirs.pk)
    assert (kept.display_name, kept.password) == (theirs.display_name, theirs.password)


def test_only_members_of_this_tenant_are_seen(enter: Enter, owner: User, stranger: User, second_tenant: Tenant) -> None:
    theirs = people.make_member("theirs", role="owner", tenant=second_tenant)
    client = enter(owner)
    listed = client.get(f"{ADMIN}/user/").context["cl"].result_list
    assert list(listed) == [owner]
    for hidden in [stranger, theirs]:
        assert client.get(f"{ADMIN}/user/{hidden.pk}/change/").status_code == 302
    with tenancy.within(second_tenant):
        their_role, their_grant = role("owner"), RoleGrant.objects.get()
    assert client.get(f"{ADMIN}/role/{their_role.pk}/change/").status_code == 302
    assert client.get(f"{ADMIN}/rolegrant/{their_grant.pk}/change/").status_code == 302
    assert client.get(f"{ADMIN}/tenant/{second_tenant.pk}/change/").status_code == 302


@pytest.mark.parametrize(
    "question", ["password__startswith=argon2", "totpdevice__key__startswith=a", "email_key__gt=a"]
)
def test_password_hashes_answer_no_questions(enter: Enter, owner: User, question: str) -> None:
    answer = enter(owner).get(f"{ADMIN}/user/?{question}")
    assert answer.status_code == (200 if question.startswith("email_key") else 400)


@pytest.mark.parametrize(
    "question", ["user__password__startswith=argon2", "user__totpdevice__key__startswith=a", "tenant__name__gt=a"]
)
def test_nor_do_they_through_memberships(enter: Enter, owner: User, question: str) -> None:
    assert enter(owner).get(f"{ADMIN}/membership/?{question}").status_code == 400


def test_a_role_is_given_until_a_day(enter: Enter, owner: User, visitor: User) -> None:
    until = timezone.now() + timedelta(days=2)
    body = {
        "membership": Membership.objects.get(user=visitor).pk,
        "role": role("auditor").pk,
        "reason": "yearly audit",
        "expires_at_0": f"{until:%Y-%m-%d}",
        "expires_at_1": "12:00",
    }
    assert enter(owner).post(f"{ADMIN}/rolegrant/add/", body).status_code == 302
    given = RoleGrant.objects.get(membership__user=visitor, role__key="auditor")
    assert (given.granted_by, given.reason, given.source) == (owner, "yearly audit", "manual")


def test_a_grant_above_the_givers_own_is_refused_on_the_form(enter: Enter, manager: User, visitor: User) -> None:
    body = {"membership": Membership.objects.get(user=visitor).pk, "role": role("owner").pk}
    answer = enter(manager).post(f"{ADMIN}/rolegrant/add/", body)
    assert answer.status_code == 200
    assert answer.context["errors"] == [["Nobody can give or take more than they hold themselves."]]


def test_a_grant_that_ends_in_the_past_is_told(enter: Enter, owner: User, visitor: User) -> None:
    body = {"membership": Membership.objects.get(user=visitor).pk, "role": role("auditor").pk}
    answer = enter(owner).post(
        f"{ADMIN}/rolegrant/add/", body | {"expires_at_0": "2020-01-01", "expires_at_1": "12:00"}, follow=True
    )
    assert said(answer) == ["The end must lie in the future."]


def test_roles_are_taken_by_action_within_the_same_rule(
    enter: Enter, owner: User, manager: User, visitor: User
) -> None:
    client = enter(manager)
    chosen = [RoleGrant.objects.get(membership__user=user).pk for user in (owner, visitor)]
    answer = client.post(f"{ADMIN}/rolegrant/", {"action": "revoke", "_selected_action": chosen}, follow=True)
    assert said(answer) == ["Owner: Owner: Nobody can give or take more than they hold themselves.", "1 done."]
    assert RoleGrant.objects.filter(pk=chosen[0]).exists()
    assert not RoleGrant.objects.filter(pk=chosen[1]).exists()


def test_an_auditor_reads_and_takes_nothing(enter: Enter, auditor: User, visitor: User) -> None:
    client = enter(auditor)
    chosen = [RoleGrant.objects.get(membership__user=visitor).pk]
    assert client.get(f"{ADMIN}/rolegrant/").status_code == 200
    client.post(f"{ADMIN}/rolegrant/", {"action": "revoke", "_selected_action": chosen})
    assert RoleGrant.objects.filter(pk__in=chosen).exists()
    assert client.get(f"{ADMIN}/rolegrant/add/").status_code == 403


def test_memberships_end_and_resume_by_action(enter: Enter, owner: User, visitor: User) -> None:
    client, member = enter(owner), Membership.objects.get(user=visitor)
    for action, active in [("end", False), ("resume", True)]:
        client.post(f"{ADMIN}/membership/", {"action": action, "_selected_action": [member.pk]})
        member.refresh_from_db()
        assert member.is_active is active


def test_an_owner_makes_a_role_out_of_what_they_hold(enter: Enter, owner: User, manager: User) -> None:
    body = {"key": "helper", "own_name": "Helper", "own_rank": "15", "own_requires_mfa": "on"}
    body |= {"own_permissions": ["accounts.enter_admin", "accounts.view_user"]}  # type: ignore[dict-item]
    assert enter(owner).post(f"{ADMIN}/role/add/", body).status_code == 302
    made = role("helper")
    assert (made.name, made.rank, sorted(made.permissions)) == ("Helper", 15, body["own_permissions"])
    too_high = enter(owner).post(f"{ADMIN}/role/add/", body | {"key": "king", "own_rank": "101"})
    assert too_high.context["adminform"].form.errors["own_rank"]
    assert enter(manager).get(f"{ADMIN}/role/add/").status_code == 403
    system = role("auditor")
    enter(owner).post(f"{ADMIN}/role/{system.pk}/change/", body)
    assert Role.objects.get(pk=system.pk).permissions == system.permissions


def picture(kind: str = "PNG", size: tuple[int, int] = (8, 8)) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", size).save(buffer, kind)
    return buffer.getvalue()


def face(tenant: Tenant, **changes: object) -> dict[str, object]:
    body = {"name": tenant.name, "tagline": "", "contact_email": "", "contact_phone": "", "address": ""}
    body |= {"brand_colour": tenant.brand_colour, "accent_colour": tenant.accent_colour}
    body |= {"domains-TOTAL_FORMS": "0", "domains-INITIAL_FORMS": "0"}
    return body | changes


def test_a_logo_can_be_taken_down(enter: Callable[..., Client], owner: User, tenant: Tenant) -> None:
    browser, address = enter(owner), f"/admin/accounts/tenant/{tenant.pk}/change/"
    logo = SimpleUploadedFile("logo.png", picture(), "image/png")
    assert browser.post(address, face(tenant, logo=logo)).status_code == 302
    assert Tenant.objects.get(pk=tenant.pk).logo
    assert browser.post(address, face(tenant) | {"logo-clear": "on"}).status_code == 302
    assert not Tenant.objects.get(pk=tenant.pk).logo


def test_an_owner_gives_the_tenant_its_face(enter: Enter, owner: User, tenant: Tenant) -> None:
    address = f"{ADMIN}/tenant/{tenant.pk}/change/"
    logo = SimpleUploadedFile("../../My Logo.PNG", picture(), "image/png")
    answer = enter(owner).post(address, face(tenant, name="Salon Sol", brand_colour="#336699", logo=logo, slug="x"))
    assert answer.status_code == 302
    kept = Tenant.objects.get(pk=tenant.pk)
    assert (kept.name, kept.brand_colour, kept.slug) == ("Salon Sol", "#336699", "demo")
    assert kept.logo.name.startswith(f"brand/{tenant.pk}/")
    assert kept.logo.name.endswith(".png")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("logo.svg", b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'),
        ("logo.png", b"<script>alert(1)</script>"),
        ("logo.gif", picture("GIF")),
        ("logo.png", picture() + b"0" * 600_000),
        ("logo.png", picture(size=(2001, 1))),
    ],
)
def test_a_logo_is_a_small_picture(enter: Enter, owner: User, tenant: Tenant, name: str, content: bytes) -> None:
    logo = SimpleUploadedFile(name, content, "image/png")
    answer = enter(owner).post(f"{ADMIN}/tenant/{tenant.pk}/change/", face(tenant, logo=logo))
    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors["logo"]
    assert not Tenant.objects.get(pk=tenant.pk).logo


def test_lists_cost_the_same_for_one_row_and_for_three(enter: Enter, owner: User) -> None:
    client = enter(owner)
    for page in ["membership/", "rolegrant/", "role/", "user/"]:
        client.get(f"{ADMIN}/{page}")
        with CaptureQueriesContext(
            connection,
        ) as few:
            client.get(f"{ADMIN}/{page}")
        for n in range(3):
            people.make_member(f"{page[:-1]}{n}", role="auditor")
        with CaptureQueriesContext(connection) as many:
            client.get(f"{ADMIN}/{page}")
        assert len(many) == len(few), page


def test_permissions_stand_app_by_app_and_thing_by_thing(enter: Enter, owner: User) -> None:
    page = enter(owner).get(f"{ADMIN}/role/add/").text
    legends = re.findall(r"<legend>([^<]+)</legend>", page)
    assert legends == ["Scheduling", "Site", "Governance", "Accounts", "Audit"]
    line = page[page.index('role="group" aria-label="Appointment"') :]
    assert re.findall(r'value="(scheduling\.[a-z_]+)" aria-label="([a-z ]+)"', line)[:4] == [
        ("scheduling.view_appointment", "view appointment"),
        ("scheduling.add_appointment", "add appointment"),
        ("scheduling.change_appointment", "change appointment"),
        ("scheduling.delete_appointment", "delete appointment"),
    ]
    assert page.count('name="own_permissions"') == len(permissions.grantable())
    kept = enter(owner).post(f"{ADMIN}/role/add/", {"key": "", "own_permissions": ["accounts.enter_admin"]}).text
    assert re.findall(r'value="([a-z_.]+)" aria-label="[^"]+" checked', kept) == ["accounts.enter_admin"]


def test_a_system_roles_permissions_are_read_the_same_way(enter: Enter, owner: User) -> None:
    page = enter(owner).get(f"{ADMIN}/role/{role('auditor').pk}/change/").text
    assert "<h1>Auditor</h1>" in page
    assert '<span title="audit.view_event">view</span>' in page


def test_filters_come_before_the_list_and_say_what_is_chosen(enter: Enter, owner: User) -> None:
    page = enter(owner).get(f"{ADMIN}/membership/?is_active__exact=1").text
    assert page.count('id="changelist-filter"') == 1
    assert page.index('id="changelist-filter"') < page.index('id="result_list"')
    assert '<strong class="filter__chosen">Yes</strong>' in page
    assert "Clear all filters" in page
