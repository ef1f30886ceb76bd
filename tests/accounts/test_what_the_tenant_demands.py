"""The security policy is one page: each matter with what holds and whose word that is."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts import roles, security, security_settings
from accounts.models import Role, SecurityPolicy, Tenant, User
from audit.models import Event
from governance import tenancy
from tests.factories import accounts as people
from tests.factories.sso import make_idp

PAGE = "/admin/accounts/securitypolicy/"
EMPTY = dict.fromkeys(security_settings.FIELDS, "") | {
    "needs_security_key": "unknown",
    "visitors_may_sign_up": "unknown",
}


def body(**typed: Any) -> dict[str, Any]:
    return EMPTY | typed


def test_it_opens_as_a_form_and_stores_nothing_by_being_read(owner: User) -> None:
    page = people.enter(owner).get(PAGE)
    assert (page.status_code, SecurityPolicy.objects.count()) == (200, 0)
    assert "In force: 60 (platform)." in page.text
    assert "NIST SP 800-63B-4" in page.text
    assert "as the platform says" in page.text


def test_saving_it_is_in_force_at_once_and_in_the_ledger(owner: User) -> None:
    client = people.enter(owner)
    answer = client.post(PAGE, body(idle_minutes="15", second_factor="everybody", step_up_minutes="5"))
    assert (answer.status_code, answer.url) == (302, PAGE)
    policy = SecurityPolicy.objects.get()
    assert (policy.idle_minutes, policy.second_factor, policy.step_up_minutes) == (15, "everybody", 5)
    assert security.in_force().idle_minutes == 15
    event = Event.objects.get(action="accounts.policy.changed")
    assert (event.actor_id, event.object_id) == (str(owner.pk), str(policy.pk))
    assert b'"idle_minutes":[null,15]' in bytes(event.body)
    page = client.get(PAGE)
    assert "In force: 15 (this tenant)." in page.text
    client.post(PAGE, body())
    assert security.in_force() == security.PLATFORM
    assert SecurityPolicy.objects.count() == 1


def test_a_looser_word_is_shown_to_have_no_effect(owner: User) -> None:
    client = people.enter(owner)
    client.post(PAGE, body(idle_minutes="120"))
    assert security.in_force().idle_minutes == 60
    assert "<div>Looser than the platform&#x27;s word, which holds.</div>" in client.get(PAGE).text


@pytest.mark.parametrize(("field", "value"), [("idle_minutes", "1"), ("step_up_minutes", "61"), ("second_factor", "x")])
def test_values_out_of_range_are_refused(owner: User, field: str, value: str) -> None:
    answer = people.enter(owner).post(PAGE, body(**{field: value}))
    assert answer.status_code == 200
    assert field in answer.context["adminform"].form.errors
    assert SecurityPolicy.objects.count() == 0


def test_only_the_owner(manager: User, receptionist: User, auditor: User) -> None:
    for user in (manager, receptionist, auditor):
        client = people.enter(user)
        assert client.get(PAGE).status_code == 403
        assert client.post(PAGE, body(idle_minutes="15")).status_code == 403
    assert SecurityPolicy.objects.count() == 0


def test_another_tenants_policy_cannot_be_reached(owner: User, second_tenant: Tenant) -> None:
    with tenancy.within(second_tenant):
        theirs = security_settings.revise(by=None, at=timezone.now(), idle_minutes=30)
    client = people.enter(owner)
    for address in (f"{PAGE}{theirs.pk}/change/", f"{PAGE}{theirs.pk}/history/"):
        assert client.get(address).status_code in (302, 404)
    assert client.post(f"{PAGE}{theirs.pk}/change/", body(idle_minutes="15")).status_code in (302, 404)
    client.post(PAGE, body(idle_minutes="15"))
    with tenancy.within(second_tenant):
        assert SecurityPolicy.objects.get().idle_minutes == 30


def test_the_cookies_flags_are_shown(owner: User) -> None:
    text = people.enter(owner).get(PAGE).text
    assert "HttpOnly · SameSite=Strict" in text
    assert "<code>device</code>" in text


def test_who_else_says_who_somebody_is_is_shown(owner: User) -> None:
    make_idp("acme", is_enforced=True)
    make_idp("other", status="draft", name="<Other>")
    text = people.enter(owner).get(PAGE).text
    assert ">Acme</a>: live · the only way in for acme.example" in text
    assert ">&lt;Other&gt;</a>: draft" in text


def test_there_is_no_adding_and_no_deleting(owner: User) -> None:
    client = people.enter(owner)
    policy = security_settings.revise(by=owner, at=timezone.now(), idle_minutes=30)
    for address in (f"{PAGE}add/", f"{PAGE}{policy.pk}/delete/"):
        assert client.get(address).status_code in (302, 404)
    assert client.get(f"{PAGE}{policy.pk}/change/").status_code == 200


def test_the_verb_refuses_what_is_not_its_matter(owner: User) -> None:
    with pytest.raises(TypeError):
        security_settings.revise(by=owner, at=timezone.now(), tenant="another")
    with pytest.raises(ValidationError):
        security_settings.revise(by=owner, at=timezone.now(), idle_minutes=1)
    assert SecurityPolicy.objects.count() == 0


@pytest.mark.parametrize(
    ("tenants", "in_force", "source", "is_overruled"),
    [(None, 60, "platform", False), (15, 15, "tenant", False), (60, 60, "both", False), (120, 60, "platform", True)],
)
def test_whose_word_holds(tenants: int | None, in_force: int, source: str, is_overruled: bool) -> None:
    matter = security.explained(SecurityPolicy(idle_minutes=tenants, tenant_id=None))[0]
    assert (matter.name, matter.in_force, matter.source) == ("idle_minutes", in_force, source)
    assert matter.is_overruled == is_overruled


def test_who_may_only_read_it_gets_no_form(owner: User, visitor: User) -> None:
    codes = ["accounts.enter_admin", "accounts.view_securitypolicy"]
    reader = roles.define(
        Role(key="reader"), name="Reader", codes=codes, rank=10, requires_mfa=True, by=owner, at=timezone.now()
    )
    people.give(visitor, reader.key)
    security_settings.revise(by=owner, at=timezone.now(), idle_minutes=30)
    client = people.enter(visitor)
    page = client.get(PAGE)
    assert page.status_code == 200
    assert 'name="idle_minutes"' not in page.text
    assert client.post(PAGE, body(idle_minutes="15")).status_code == 403
