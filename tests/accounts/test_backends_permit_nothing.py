"""One backend permits, and it permits in one tenant. Stock ones inherit ModelBackend and grant everywhere."""

import pytest
from django.contrib.auth.backends import ModelBackend
from django.test import override_settings

from accounts import backends, checks
from accounts.models import User

AXES = "axes.backends.AxesBackend"


@pytest.mark.parametrize("backend", [backends.PasswordBackend(), backends.LockoutBackend()])
def test_the_others_say_nothing(owner: User, backend) -> None:
    for ask in ["get_all_permissions", "get_user_permissions", "get_group_permissions"]:
        assert not getattr(backend, ask, lambda user: set())(owner)
    assert not getattr(backend, "has_perm", lambda user, code: False)(owner, "accounts.view_user")


@pytest.mark.parametrize("path", [AXES, "django.contrib.auth.backends.ModelBackend"])
def test_a_backend_that_permits_is_found(path: str) -> None:
    with override_settings(AUTHENTICATION_BACKENDS=[path, checks.THE_ONE]):
        assert [found.id for found in checks.only_one_backend_permits(None)] == ["accounts.E001"]


def test_a_backend_with_a_say_of_its_own_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks._permits(type("Sso", (ModelBackend,), {}))
    assert checks._permits(type("Odd", (), {"has_perm": lambda self, user, code: True}))
    assert not checks._permits(backends.PasswordBackend)


def test_the_house_as_it_stands_has_none(db: None) -> None:
    assert checks.only_one_backend_permits(None) == []
    assert checks.the_gate_stands(None) == []


def test_a_missing_gate_is_found() -> None:
    with override_settings(MIDDLEWARE=[]):
        assert [found.id for found in checks.the_gate_stands(None)] == ["accounts.E002"] * 4
