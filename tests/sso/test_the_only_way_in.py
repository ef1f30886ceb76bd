"""Where a provider is the only way in, a password opens nothing, and the page points at the button."""

import pytest
from django.test import Client

from accounts.models import Tenant, User
from tests.accounts.signing_in import password_step
from tests.factories.accounts import PASSWORD
from tests.factories.sso import make_idp


@pytest.fixture
def enforced(tenant: Tenant) -> None:
    make_idp("corp", name="Corp", is_enforced=True, allowed_domains=["demo.example"])


def test_a_right_password_opens_nothing_for_people_of_its_domains(
    enforced: None, client: Client, visitor: User, hashed: list[str]
) -> None:
    answer = password_step(client, visitor.email, PASSWORD)
    assert answer.status_code == 200
    assert "People with this address sign in with Corp. Use the button above." in answer.text
    assert "Continue with Corp" in answer.text
    assert len(hashed) == 1
    assert "_auth_user_id" not in client.session


def test_nobody_learns_who_is_there(enforced: None, client: Client, hashed: list[str]) -> None:
    answer = password_step(client, "nobody@demo.example", "wrong")
    assert "People with this address sign in with Corp. Use the button above." in answer.text
    assert len(hashed) == 1


def test_others_come_in_as_before(tenant: Tenant, client: Client, visitor: User) -> None:
    make_idp("corp", name="Corp", is_enforced=True, allowed_domains=["elsewhere.example"])
    assert password_step(client, visitor.email, PASSWORD).status_code == 302


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every hash that is made."""
    from accounts.hashers import Argon2id

    seen: list[str] = []
    encode, verify = Argon2id.encode, Argon2id.verify
    monkeypatch.setattr(Argon2id, "encode", lambda self, *a, **k: seen.append("encode") or encode(self, *a, **k))
    monkeypatch.setattr(Argon2id, "verify", lambda self, *a, **k: seen.append("verify") or verify(self, *a, **k))
    return seen
