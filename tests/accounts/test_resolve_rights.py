"""What somebody may do, and why: grants, mappings, policy and a moment go in, permissions with reasons come out."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.utils import translation

from accounts import policies
from accounts.models import Role, RoleGrant, SecurityPolicy, User
from accounts.resolving import Given, Mapping, resolve
from tests.factories import accounts as people

AT = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
IDP = RoleGrant.Source.IDP


def role(key: str, *codes: str, rank: int = 10) -> Role:
    kept = {"own_permissions": list(codes), "own_rank": rank, "own_requires_mfa": False}
    return Role(key=key, own_name=key.title(), tenant_id=uuid4(), **kept)


DESK, OFFICE = role("desk", "a.see"), role("office", "a.see", "a.write", rank=20)


def test_nothing_given_is_nothing_held() -> None:
    found = resolve([], at=AT)
    assert (found.permissions, found.rank, found.requires_mfa, found.roles) == (frozenset(), 0, False, ())


def test_each_permission_knows_every_role_that_holds_it() -> None:
    found = resolve([Given(DESK, by="Ana"), Given(OFFICE, by="Ben")], at=AT)
    assert (found.permissions, found.rank, found.roles) == ({"a.see", "a.write"}, 20, ("desk", "office"))
    assert [given.by for given in found.why("a.see")] == ["Ben", "Ana"]
    assert [given.by for given in found.why("a.write")] == ["Ben"]
    assert found.why("a.fly") == ()


def test_an_end_is_an_end_to_the_second() -> None:
    given = Given(DESK, expires_at=AT)
    assert resolve([given], at=AT - timedelta(seconds=1)).permissions == {"a.see"}
    assert resolve([given], at=AT).permissions == frozenset()


def test_a_providers_grant_names_the_groups_that_map_to_its_role() -> None:
    mappings = [Mapping("staff", OFFICE), Mapping("bosses", OFFICE), Mapping("desk", DESK)]
    (given,) = resolve([Given(OFFICE, IDP)], at=AT, mappings=mappings).given
    assert given.groups == ("staff", "bosses")


def test_groups_replace_what_came_from_the_provider_and_nothing_else() -> None:
    grants, mappings = [Given(OFFICE, IDP), Given(DESK, by="Ana")], [Mapping("night", role("night", "a.sleep"))]
    said_nothing = resolve(grants, at=AT, mappings=mappings)
    assert said_nothing.roles == ("desk", "office")
    assert resolve(grants, at=AT, groups=[], mappings=mappings).roles == ("desk",)
    found = resolve(grants, at=AT, groups=["night", "unknown"], mappings=mappings)
    assert (found.roles, found.permissions) == (("desk", "night"), {"a.see", "a.sleep"})
    assert found.why("a.sleep")[0].groups == ("night",)


def test_the_policy_may_ask_everybody_for_a_second_factor() -> None:
    assert resolve([Given(DESK)], at=AT, all_need_two=True).requires_mfa
    strict = role("strict")
    strict.own_requires_mfa = True
    assert resolve([Given(strict)], at=AT).requires_mfa


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (Given(OFFICE, by="Ana"), "Office, given by Ana"),
        (Given(OFFICE), "Office, given by the platform"),
        (Given(OFFICE, IDP, groups=("x", "y")), "Office, because the identity provider's group maps to it: x, y"),
        (Given(OFFICE, IDP), "Office, from the identity provider"),
        (Given(OFFICE, RoleGrant.Source.BREAK_GLASS, reason="fire"), "Office, by break-glass (fire)"),
    ],
)
def test_it_says_so_in_a_sentence(given: Given, said: str) -> None:
    with translation.override("en"):
        assert given.sentence() == said


def test_a_sentence_says_until_when() -> None:
    with translation.override("en"):
        assert ", until " in Given(OFFICE, expires_at=AT).sentence()


def test_what_holds_is_what_resolve_says_and_costs_one_query(visitor: User, django_assert_num_queries) -> None:
    assert policies.held(User.objects.get(pk=visitor.pk)).required_level == policies.ONE_FACTOR
    SecurityPolicy.objects.create(second_factor=SecurityPolicy.SecondFactor.EVERYBODY)
    people.give(visitor, "receptionist")
    with django_assert_num_queries(2):  # the user, and everything that counts
        held = policies.held(User.objects.get(pk=visitor.pk))
    assert (held.requires_mfa, held.roles) == (True, ("receptionist", "visitor"))


def test_where_everybody_needs_two_factors_a_visitor_does_too(visitor: User) -> None:
    SecurityPolicy.objects.create(second_factor=SecurityPolicy.SecondFactor.EVERYBODY)
    assert policies.held(User.objects.get(pk=visitor.pk)).required_level == policies.TWO_FACTORS
