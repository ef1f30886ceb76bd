"""The tighter of the platform's word and the tenant's is in force, field by field."""

from dataclasses import asdict

import pytest

from accounts import security
from accounts.models import SecurityPolicy, Tenant
from accounts.security import PLATFORM, Demands
from governance import tenancy


def test_without_a_word_of_its_own_a_tenant_has_the_platforms(tenant: Tenant) -> None:
    assert security.in_force() == PLATFORM


@pytest.mark.parametrize(
    ("field", "platforms", "tenants", "in_force"),
    [
        ("idle_minutes", 60, 15, 15),
        ("idle_minutes", 60, 120, 60),
        ("absolute_hours", 12, 8, 8),
        ("remember_days", 30, 0, 0),
        ("remember_days", 0, 30, 0),
        ("second_factor", "staff", "everybody", "everybody"),
        ("second_factor", "everybody", "staff", "everybody"),
        ("needs_security_key", False, True, True),
        ("needs_security_key", True, False, True),
        ("step_up_minutes", 15, 5, 5),
        ("password_length", 15, 20, 20),
        ("password_length", 15, 10, 15),
        ("password_history", 5, 10, 10),
        ("password_days", 0, 90, 90),
        ("password_days", 60, 0, 60),
        ("password_days", 60, 90, 60),
        ("visitors_may_sign_up", True, False, False),
        ("visitors_may_sign_up", False, True, False),
    ],
)
def test_the_tighter_word_holds(
    tenant: Tenant, field: str, platforms: object, tenants: object, in_force: object
) -> None:
    base = Demands(**asdict(PLATFORM) | {field: platforms})
    assert security.tighter(base, SecurityPolicy(**{field: tenants})) == Demands(**asdict(base) | {field: in_force})


def test_one_tenants_word_is_not_anothers(tenant: Tenant, second_tenant: Tenant) -> None:
    SecurityPolicy.objects.create(idle_minutes=10)
    security.forget()
    assert security.in_force().idle_minutes == 10
    with tenancy.within(second_tenant):
        assert security.in_force() == PLATFORM
