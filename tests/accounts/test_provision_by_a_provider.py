"""A provider's word makes somebody a member, gives them the roles of their groups, and takes them precisely."""

import pytest
from django.utils import timezone

from accounts import provisioning, roles
from accounts.models import ExternalIdentity, IdentityProvider, Membership, Role, RoleGrant, Tenant, User
from audit.models import Event
from governance import tenancy
from tests.factories.accounts import make_member
from tests.factories.sso import claims, make_idp, map_group
from tests.racing import race


@pytest.fixture
def idp(tenant: Tenant) -> IdentityProvider:
    return make_idp()


def arrive(idp: IdentityProvider, **said: object) -> provisioning.Arrival:
    return provisioning.arrive(idp, claims(**said), at=timezone.now())  # type: ignore[arg-type]


def held(user: User) -> list[tuple[str, str]]:
    grants = RoleGrant.objects.filter(membership__user=user).order_by("role__key", "source")
    return list(grants.values_list("role__key", "source"))


def test_a_new_person_becomes_a_member_with_the_roles_of_their_groups(idp: IdentityProvider) -> None:
    map_group(idp, "desk", "receptionist")
    map_group(idp, "press", "editor")
    arrival = arrive(idp, groups=("desk", "unknown"))
    assert (arrival.user.email, arrival.user.display_name) == ("ada@acme.example", "Ada")
    assert not arrival.user.has_usable_password()
    assert arrival.membership.person is not None
    assert held(arrival.user) == [("receptionist", "idp")]
    assert arrival.explanation == ("You are Receptionist because of the group desk.",)
    assert ExternalIdentity.objects.get().subject == "s-1"
    actions = list(Event.objects.order_by("id").values_list("action", flat=True))
    assert actions[-3:] == ["accounts.membership.started", "accounts.identity.connected", "accounts.role.granted"]


def test_the_same_subject_is_the_same_person_whatever_the_email_says_now(idp: IdentityProvider) -> None:
    first = arrive(idp)
    again = arrive(idp, email="ada.lovelace@acme.example")
    assert again.user == first.user
    assert User.objects.filter(email__endswith="acme.example").count() == 1


def test_a_group_left_takes_its_role_and_no_other(idp: IdentityProvider) -> None:
    map_group(idp, "desk", "receptionist")
    map_group(idp, "press", "editor")
    user = arrive(idp, groups=("desk", "press")).user
    roles.grant(
        Membership.objects.get(user=user), role=Role.objects.get(key="editor"), by=None, at=timezone.now()
    )  # by hand as well
    assert held(user) == [("editor", "idp"), ("editor", "manual"), ("receptionist", "idp")]
    arrive(idp, groups=("desk",))
    assert held(user) == [("editor", "manual"), ("receptionist", "idp")]
    arrive(idp, groups=())
    assert held(user) == [("editor", "manual")]


def test_one_provider_takes_nothing_another_gave(idp: IdentityProvider) -> None:
    other = make_idp("beta")
    map_group(idp, "desk", "receptionist")
    map_group(other, "front", "receptionist")
    user = arrive(idp, groups=("desk",)).user
    provisioning.connect(other, claims("b-9"), user=user, at=timezone.now())
    arrive(other, subject="b-9", groups=("front",))
    arrive(idp, groups=())
    assert held(user) == [("receptionist", "idp")]
    assert RoleGrant.objects.get(membership__user=user).idp == other


def test_a_missing_groups_claim_is_not_an_empty_one(idp: IdentityProvider) -> None:
    map_group(idp, "desk", "receptionist")
    user = arrive(idp, groups=("desk",)).user
    arrival = arrive(idp, groups=None)
    assert held(user) == [("receptionist", "idp")]
    assert arrival.explanation == (
        "The provider said nothing usable of groups, so roles from groups stay as they were.",
    )


def test_arriving_twice_changes_nothing(idp: IdentityProvider) -> None:
    map_group(idp, "desk", "receptionist")
    arrive(idp, groups=("desk",))
    before = Event.objects.count()
    arrive(idp, groups=("desk",))
    assert Event.objects.count() == before


def test_the_last_owner_stays_an_owner(idp: IdentityProvider) -> None:
    map_group(idp, "bosses", "owner")
    user = arrive(idp, groups=("bosses",)).user
    arrive(idp, groups=())
    assert held(user) == [("owner", "idp")]
    assert Event.objects.filter(action="accounts.role.revoked", outcome="refused").count() == 1


def test_a_new_member_starts_with_the_providers_first_role(tenant: Tenant) -> None:
    idp = make_idp(default_role=Role.objects.get(key="visitor"))
    user = arrive(idp).user
    assert held(user) == [("visitor", "manual")]


@pytest.mark.parametrize(
    ("fields", "said", "refusal"),
    [
        ({"status": "test"}, {}, provisioning.NotOffered),
        ({}, {"subject": " "}, provisioning.NoSubject),
        ({}, {"subject": "x" * 256}, provisioning.NoSubject),
        ({}, {"email": "ada@evil.example"}, provisioning.DomainNotAllowed),
        ({}, {"email": "ada@acme.example.evil.example"}, provisioning.DomainNotAllowed),
        ({}, {"email_verified": False}, provisioning.DomainNotAllowed),
        ({"allowed_domains": []}, {"email_verified": False}, provisioning.EmailMissing),
        ({"allowed_domains": []}, {"email": ""}, provisioning.EmailMissing),
        ({"allowed_domains": []}, {"email": "not an address"}, provisioning.EmailMissing),
        ({"allowed_domains": []}, {"email": f"{'x' * 60}@{'y.' * 110}example"}, provisioning.EmailMissing),
        ({"makes_members": False}, {}, provisioning.NoMember),
    ],
)
def test_who_gets_no_place(
    tenant: Tenant, fields: dict[str, object], said: dict[str, object], refusal: type[Exception]
) -> None:
    idp = make_idp(**fields)
    with pytest.raises(refusal):
        arrive(idp, **said)
    assert not ExternalIdentity.objects.exists()
    assert not User.objects.filter(display_name="Ada").exists()


def test_an_email_never_links_to_an_account_that_is_there(idp: IdentityProvider) -> None:
    make_member("ada", role="owner")
    User.objects.filter(display_name="Ada").update(email="ada@acme.example", email_key="ada@acme.example")
    with pytest.raises(provisioning.EmailTaken):
        arrive(idp)
    assert not ExternalIdentity.objects.exists()


def test_whose_membership_ended_stays_out(idp: IdentityProvider) -> None:
    arrival = arrive(idp)
    roles.end_membership(arrival.membership, by=None, at=timezone.now())
    with pytest.raises(provisioning.MembershipEnded):
        arrive(idp)


def test_a_signed_in_member_connects_a_provider_once(idp: IdentityProvider, receptionist: User, manager: User) -> None:
    now = timezone.now()
    said = claims("s-7", email="reception@acme.example")
    assert provisioning.connect(idp, said, user=receptionist, at=now) == provisioning.connect(
        idp, said, user=receptionist, at=now
    )
    with pytest.raises(provisioning.AlreadyConnected):
        provisioning.connect(idp, said, user=manager, at=now)
    assert provisioning.arrive(idp, said, at=now).user == receptionist


def test_another_tenants_subject_is_unknown_here(idp: IdentityProvider, second_tenant: Tenant) -> None:
    arrive(idp)
    with tenancy.within(second_tenant):
        twin = make_idp(makes_members=False)
        with pytest.raises(provisioning.NoMember):
            arrive(twin)


def test_a_preview_tells_and_changes_nothing(tenant: Tenant) -> None:
    idp = make_idp(status=IdentityProvider.Status.TEST)
    map_group(idp, "desk", "receptionist")
    seen = provisioning.preview(idp, claims(groups=("desk",)), at=timezone.now())
    assert (seen.user, seen.is_new_member, [role.key for role in seen.roles]) == (None, True, ["receptionist"])
    assert seen.explanation == ("You are Receptionist because of the group desk.",)
    assert not User.objects.filter(display_name="Ada").exists()
    assert not ExternalIdentity.objects.exists()


def test_the_same_address_at_two_providers_is_two_strangers(idp: IdentityProvider) -> None:
    """Whoever runs the second one could otherwise walk into the first one's accounts."""
    beta, user = make_idp("beta"), arrive(idp).user
    with pytest.raises(provisioning.EmailTaken):
        arrive(beta)
    provisioning.connect(beta, claims("b-1"), user=user, at=timezone.now())  # signed in, by their own hand
    assert arrive(beta, subject="b-1").user == user


def test_another_name_at_the_provider_brings_no_address_along(idp: IdentityProvider) -> None:
    """The address is reused there for somebody new: still somebody else here."""
    arrive(idp)
    with pytest.raises(provisioning.EmailTaken):
        arrive(idp, subject="s-2")


@pytest.mark.guarantee
@pytest.mark.django_db(transaction=True)
def test_two_first_arrivals_at_once_are_one_member(tenant: Tenant) -> None:
    """Two windows, or one impatient click: both come in, as the same person."""
    idp = make_idp()
    map_group(idp, "desk", "receptionist")
    both = race([lambda: arrive(idp, groups=("desk",)).user for _ in range(4)]).results
    assert [type(one).__name__ for one in both] == ["User"] * 4, both
    assert len({user.pk for user in both}) == 1
    assert ExternalIdentity.objects.count() == User.objects.filter(email="ada@acme.example").count() == 1
    assert held(both[0]) == [("receptionist", "idp")]


@pytest.mark.guarantee
@pytest.mark.django_db(transaction=True)
def test_two_who_connect_the_same_identity_at_once(tenant: Tenant, receptionist: User, manager: User) -> None:
    idp = make_idp()
    runs = [
        lambda user=user: provisioning.connect(idp, claims("s-7"), user=user, at=timezone.now())
        for user in (receptionist, manager)
    ]
    assert race(runs).kinds() == {"ExternalIdentity": 1, "AlreadyConnected": 1}
