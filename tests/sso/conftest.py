"""The two providers of the stories: one that is certified, one that lies."""

from collections.abc import Iterator

import pytest

from accounts.models import IdentityProvider, Tenant
from audit import breakers
from tests.factories.sso import map_group
from tests.sso import certified, forger, walking


@pytest.fixture(autouse=True)
def nobody_is_left_alone() -> None:
    """What one story does to a provider's breaker is not the next one's."""
    breakers.to.cache_clear()


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """The certified provider, for clients that speak to `testserver`."""
    redirects = f"http://testserver{walking.CALLBACK}"
    with certified.running(redirects=redirects, after="http://testserver/account/login/") as address:
        yield address


@pytest.fixture
def acme(issuer: str, tenant: Tenant) -> IdentityProvider:
    """The certified provider as a row: its desk group holds the receptionist's role."""
    idp = walking.provider(issuer, certified.SECRET, mfa_evidence=["mfa"])
    map_group(idp, "desk", "receptionist")
    return idp


@pytest.fixture
def liar() -> Iterator[forger.Forger]:
    """The provider that lies."""
    with forger.running() as running:
        yield running


@pytest.fixture
def believed(liar: forger.Forger, tenant: Tenant) -> IdentityProvider:
    """The liar as a row, set up like an honest one."""
    idp = walking.provider(liar.issuer, forger.SECRET, mfa_evidence=["mfa"])
    map_group(idp, "desk", "receptionist")
    return idp
